/** What the broker asks of Docker beside running programs. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { TaskfleetError } from "../core/errors.ts";

/** Thrown at the broker's start: Docker or the image is not there. */
export class DockerError extends TaskfleetError {
  override readonly name = "DockerError";
}

export const DOCKER = "docker";

/** Of `docker inspect`. */
export interface ContainerState {
  readonly Id: string;
  /** `created`: it never ran. */
  readonly Status: string;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly OOMKilled: boolean;
  readonly Error: string;
}

async function docker(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(DOCKER, words, { encoding: "utf8" });
  return stdout.trim();
}

/** Docker's own words, without the command line. */
function reasonOf(error: unknown): string {
  const { stderr = "", message } = error as Error & { stderr?: string };
  return stderr.trim() || message;
}

/** `undefined` when there is no such container. */
export async function stateOf(name: string): Promise<ContainerState | undefined> {
  const format = "[{{json .State}},{{json .Id}}]";
  const text = await docker("container", "inspect", "--format", format, name).catch(() => "");
  if (text === "") return undefined;
  const [state, Id] = JSON.parse(text) as [Omit<ContainerState, "Id">, string];
  return { ...state, Id };
}

/** Kills and removes a container; one that is gone is no error. */
export async function removeContainer(name: string): Promise<void> {
  try {
    await docker("rm", "--force", "--volumes", name);
  } catch (error) {
    // Also while Docker already removes it.
    if (/no such container|already in progress/i.test(reasonOf(error))) return;
    throw error;
  }
}

/** Removes what an earlier broker of that label left, and returns how many. */
export async function removeLeftovers(label: string): Promise<number> {
  const ids = (await docker("ps", "--all", "--quiet", "--filter", `label=${label}`)).split("\n");
  const left = ids.filter((id) => id !== "");
  for (const id of left) await removeContainer(id);
  return left.length;
}

/** @throws DockerError when Docker does not answer, has no such image, or one with volumes. */
export async function checkImage(image: string): Promise<void> {
  const format = "{{json .Config.Volumes}}";
  const volumes = await docker("image", "inspect", "--format", format, "--", image).catch(
    (error: unknown) => {
      throw new DockerError(
        `Docker has no image "${image}" for sandboxes: ${reasonOf(error)}. Load or pull it, and see that ` +
          "`docker version` answers for this user.",
        { cause: error },
      );
    },
  );
  // Nothing would bound what is written there.
  if (!["null", "{}"].includes(volumes))
    throw new DockerError(`the image "${image}" declares volumes, ${volumes}: build it without VOLUME`);
}

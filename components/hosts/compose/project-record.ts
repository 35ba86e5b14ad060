/** Says what there is of a project on a host, for `down` when an update ended before it saved its state. */
import { readFile } from "node:fs/promises";
import { explained, HostError, unlessMissing } from "../errors.ts";
import { removeFile, replaceFile } from "../host-files.ts";
import type { ComposeProjectInputs } from "./project-inputs.ts";

/** No file's content: it holds no secret. */
export interface ProjectRecord
  extends Pick<ComposeProjectInputs, "project" | "directory" | "host" | "services" | "stopSeconds"> {
  /** Paths below the folder. */
  readonly files: readonly string[];
}

export async function writeProjectRecord(
  inputs: ComposeProjectInputs,
  moreFiles: readonly string[],
): Promise<void> {
  const { project, directory, host, services, stopSeconds } = inputs;
  const files = [...new Set([...Object.keys(inputs.files), ".env", ...moreFiles])];
  const record: ProjectRecord = { project, directory, host, services, stopSeconds, files };
  await replaceFile(inputs.record, `${JSON.stringify(record, null, 2)}\n`, 0o600);
}

/** `null` when there is none. */
export async function readProjectRecord(path: string): Promise<ProjectRecord | null> {
  const text = await explained(`read ${path}`, () => unlessMissing(readFile(path, "utf8"), ""));
  if (text === "") return null;
  try {
    return JSON.parse(text) as ProjectRecord;
  } catch (error) {
    throw new HostError(`${path} is no record of a Compose project: remove it`, { cause: error });
  }
}

export const removeProjectRecord = removeFile;

import { join } from "node:path";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { contextTag } from "../platform/build-context.ts";
import { GIVEN, type ImageSettings, repositoryOf } from "../platform/image-settings.ts";
import type { ImageTarget } from "../platform/images.ts";
import { baseArguments } from "../platform/resolve-images.ts";
import { CommandError } from "./command-error.ts";
import { runCommand } from "./run-command.ts";
import { type ProgressOutput, StepProgress } from "./setup-progress.ts";

export interface BuildOptions {
  readonly targets: readonly ImageTarget[];
  readonly settings: Omit<ImageSettings, "given">;
  /** Network of the build's steps, as `docker build --network`; "": the engine's own. */
  readonly network: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: ProgressOutput;
  readonly now: () => number;
}

/** An image that is there now. */
export interface BuiltImage {
  readonly target: ImageTarget;
  /** For a stack's config: by digest where a registry gave one, else by a tag that no other sources have. */
  readonly reference: string;
  /** Digest of its config: what results name as `image_tag`. */
  readonly digest: string;
}

/** `#12 [build 5/9] RUN npm ci`: where a build is. */
const STEP = /^#\d+ (\[.*)$/;

/** Builds images on the engine that the Docker command line uses, and pushes them where a registry is named. */
export async function buildImages(options: BuildOptions): Promise<readonly BuiltImage[]> {
  // A digest that is missing is found before minutes are spent.
  const all = options.targets.map((target) => [target, baseArguments(target, options.settings)] as const);
  const built: BuiltImage[] = [];
  for (const [target, bases] of all) built.push(await buildImage(target, bases, options));
  return built;
}

async function buildImage(
  target: ImageTarget,
  bases: Readonly<Record<string, string>>,
  { settings, network, environment, output, now }: BuildOptions,
): Promise<BuiltImage> {
  const { registry, platform } = settings;
  const tag = contextTag(PATHS.root, { ...bases, platform });
  const name = `${repositoryOf(target, registry)}:${tag}`;
  const progress = new StepProgress(`image ${name}`, output, now);
  const docker = async (words: readonly string[]) => {
    const command = ["docker", ...words] as const;
    const env = { ...environment, DOCKER_BUILDKIT: "1", BUILDKIT_PROGRESS: "plain" };
    const onLine = (line: string) => {
      const step = STEP.exec(line)?.[1];
      if (step !== undefined) progress.update(step);
    };
    const end = await runCommand(command, { cwd: PATHS.root, env, onLine });
    if (end.code === 0) return end.tail.trim();
    progress.end("failed");
    throw new CommandError(`docker ${words[0]} failed for ${name}:\n${end.tail}`, EXIT.failed);
  };
  const given = Object.entries({ ...bases, REVISION: tag }).flatMap(([key, value]) => [
    "--build-arg",
    `${key}=${value}`,
  ]);
  const where = [
    ...(platform === "" ? [] : ["--platform", platform]),
    ...(network === "" ? [] : ["--network", network]),
  ];
  progress.begin();
  const file = join(PATHS.root, "worker/Dockerfile");
  await docker(["build", "--target", target, "-f", file, "-t", name, ...where, ...given, PATHS.root]);
  if (registry !== "") await docker(["push", "--quiet", name]);
  const digest = await docker(["image", "inspect", "--format", "{{.Id}}", name]);
  const reference = registry === "" ? name : await docker(["image", "inspect", "--format", PUSHED, name]);
  progress.end(digest);
  return {
    target,
    reference: registry === "" ? name : digestOf(reference, repositoryOf(target, registry)),
    digest,
  };
}

const PUSHED = "{{range .RepoDigests}}{{println .}}{{end}}";

function digestOf(lines: string, repository: string): string {
  const found = lines.split("\n").find((line) => line.startsWith(`${repository}@`));
  if (found !== undefined) return found;
  throw new CommandError(`the engine knows no digest of ${repository} after its push`, EXIT.failed);
}

/** The lines that have a stack use these images. */
export function configLines(images: readonly BuiltImage[], stack: string): string {
  const line = ({ target, reference }: BuiltImage) =>
    `pulumi config set taskfleet:${GIVEN[target]} ${reference} -s ${stack}\n`;
  return images.map(line).join("");
}

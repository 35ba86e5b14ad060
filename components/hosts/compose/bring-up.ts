import { HostError } from "../errors.ts";
import type { ComposeEngine, ProjectContainer } from "./compose-engine.ts";
import { type Definition, readDefinition } from "./definition.ts";
import { hostVariables, projectVariables } from "./env-file.ts";
import { filesWithVariables } from "./observe.ts";
import { refuseTakenPorts } from "./ports-check.ts";
import { makeFolder, removeFiles, writeFiles } from "./project-files.ts";
import { ensureImages, ensureServiceImages } from "./project-images.ts";
import type { ComposeProjectInputs } from "./project-inputs.ts";
import { explainFailedUp } from "./up-failure.ts";

/** Beyond what services may take to become healthy: to make and start them. */
const MARGIN_SECONDS = 300;

/** What was made before an update ended, whether it went well or not. */
export interface Progress {
  /** Empty before there is one. */
  folder: string;
  imageIds: Readonly<Record<string, string>>;
  variables: Readonly<Record<string, string>>;
}

/** Another folder's containers under the same name would be taken for ours. */
function refuseOthers(project: string, folder: string, containers: readonly ProjectContainer[]): void {
  const other = containers.find(({ workingDirectory }) => workingDirectory !== folder);
  if (other !== undefined)
    throw new HostError(
      `project ${project} is up from ${other.workingDirectory} (container ${other.name}): take that down ` +
        `(docker compose -p ${project} down), or name this one otherwise`,
    );
}

const fixedServices = ({ services }: ComposeProjectInputs) =>
  Object.entries(services).flatMap(([name, { scaled }]) => (scaled ? [] : [name]));

async function composeUp(
  engine: ComposeEngine,
  folder: string,
  { readySeconds, services }: ComposeProjectInputs,
  names: readonly string[],
  more: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const wait = ["--wait", "--wait-timeout", String(readySeconds)];
  const words = ["up", "--detach", ...wait, "--no-build", "--pull", "never", ...more, ...names];
  const end = await engine.compose(folder, words, { timeoutSeconds: readySeconds + MARGIN_SECONDS });
  if (end.code !== 0) throw await explainFailedUp(engine, folder, services, end);
}

const startOf = ({ id, startedAt }: ProjectContainer) => `${id} ${startedAt}`;

/**
 * Services that still run with a file mounted that was replaced since. Who has the whole folder mounted looks there for
 * itself.
 */
function staleServices(
  before: readonly ProjectContainer[],
  after: readonly ProjectContainer[],
  folder: string,
  replaced: readonly string[],
  definition: Definition,
): readonly string[] {
  const old = new Set(before.map(startOf));
  const paths = replaced.map((path) => `${folder}/${path}`);
  const stale = after.filter(
    (container) =>
      old.has(startOf(container)) &&
      definition[container.service] !== undefined &&
      container.mounts.some((mount) =>
        paths.some((path) => path === mount || (mount !== folder && path.startsWith(`${mount}/`))),
      ),
  );
  return [...new Set(stale.map(({ service }) => service))];
}

/** Writes the files and checks all that can be checked before a container is touched. */
async function prepare(
  engine: ComposeEngine,
  inputs: ComposeProjectInputs,
  gone: readonly string[],
  progress: Progress,
) {
  const before = await engine.containers();
  const imageIds = await ensureImages(engine, inputs.images);
  const folder = await makeFolder(engine.shell, inputs.directory);
  refuseOthers(inputs.project, folder, before);
  const variables = projectVariables(inputs.images, imageIds, await hostVariables(engine, folder));
  Object.assign(progress, { folder, imageIds, variables });
  const replaced = await writeFiles(engine.shell, folder, filesWithVariables(inputs, variables));
  await removeFiles(engine.shell, folder, gone);
  const definition = await readDefinition(engine, folder);
  await ensureServiceImages(engine, definition);
  await refuseTakenPorts(engine, definition, before);
  return { before, folder, replaced, definition };
}

/**
 * Makes the project what the inputs say: only what changed is made anew, and scaled services are left to who scales
 * them. `gone`: files of before that are no longer there. Tells in `progress` how far it came.
 * @throws HostError
 */
export async function bringUp(
  engine: ComposeEngine,
  inputs: ComposeProjectInputs,
  gone: readonly string[],
  progress: Progress,
): Promise<void> {
  const { before, folder, replaced, definition } = await prepare(engine, inputs, gone, progress);
  const fixed = fixedServices(inputs);
  // Compose starts none that is paused.
  const paused = before.filter(({ status }) => status === "paused").map(({ id }) => id);
  if (paused.length > 0) await engine.ask(["unpause", ...paused]);
  await composeUp(engine, folder, inputs, fixed, ["--remove-orphans"]);
  const stale = staleServices(before, await engine.containers(), folder, replaced, definition);
  const restarted = stale.filter((name) => fixed.includes(name));
  await composeUp(engine, folder, inputs, restarted, ["--force-recreate", "--no-deps"]);
}

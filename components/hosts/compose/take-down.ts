import { HostError } from "../errors.ts";
import type { ComposeEngine, ProjectContainer } from "./compose-engine.ts";
import { lastWords } from "./host-shell.ts";
import { makeFolder, removeFiles, removeFolder } from "./project-files.ts";
import type { ProjectRecord } from "./project-record.ts";

/** Who starts workers; it goes first. */
const WATCHER = "watch-queue";
/** What services that hold data may take to end. */
const STOP_SECONDS = 60;
/** Beyond what is waited for: for the engine's own work. */
const MARGIN_SECONDS = 120;

async function stop(
  engine: ComposeEngine,
  containers: readonly ProjectContainer[],
  seconds: number,
): Promise<void> {
  const ids = containers.filter(({ status }) => status !== "exited").map(({ id }) => id);
  if (ids.length === 0) return;
  const end = await engine.docker(["stop", "--time", String(seconds), ...ids], {
    timeoutSeconds: seconds + MARGIN_SECONDS,
  });
  // One that is gone meanwhile is stopped.
  if (end.code !== 0 && !/No such container/i.test(end.stderr))
    throw new HostError(`cannot stop containers on ${engine.shell.name}: ${lastWords(end)}`);
}

/** Workers finish their tasks first. */
async function drain(engine: ComposeEngine, { services, stopSeconds }: ProjectRecord): Promise<void> {
  const containers = await engine.containers();
  await stop(
    engine,
    containers.filter(({ service }) => service === WATCHER),
    STOP_SECONDS,
  );
  // Those too that it started in its last moment.
  const workers = (await engine.containers()).filter(
    ({ service, status }) => services[service]?.scaled === true && status === "running",
  );
  if (workers.length === 0) return;
  console.error(
    `waiting for ${workers.length === 1 ? "1 worker" : `${workers.length} workers`} to finish running tasks (${stopSeconds} s at most)`,
  );
  await stop(engine, workers, stopSeconds);
}

export interface TakenDown {
  /** Containers that there were. */
  readonly containers: readonly string[];
  /** Named volumes that are still there. */
  readonly volumes: readonly string[];
  readonly folder: string;
  /** Whether the folder is gone: it stays where it holds what is not ours. */
  readonly folderGone: boolean;
}

/** Ends a project: workers first, then the rest; its networks and files too, and its volumes where `deleteData`. */
export async function takeDown(
  engine: ComposeEngine,
  record: ProjectRecord,
  deleteData: boolean,
): Promise<TakenDown> {
  const before = await engine.containers();
  await drain(engine, record);
  const volumes = deleteData ? ["--volumes"] : [];
  const end = await engine.composeDown(["--remove-orphans", "--timeout", String(STOP_SECONDS), ...volumes], {
    timeoutSeconds: STOP_SECONDS + MARGIN_SECONDS,
  });
  if (end.code !== 0)
    throw new HostError(
      `cannot take project ${record.project} down on ${engine.shell.name}: ${lastWords(end)}`,
    );
  if (deleteData) await removeVolumes(engine);
  const folder = await makeFolder(engine.shell, record.directory);
  await removeFiles(engine.shell, folder, record.files);
  const folderGone = await removeFolder(engine.shell, folder);
  return { containers: before.map(({ name }) => name), volumes: await volumesOf(engine), folder, folderGone };
}

async function volumesOf(engine: ComposeEngine): Promise<readonly string[]> {
  const filter = `label=com.docker.compose.project=${engine.project}`;
  const names = await engine.ask(["volume", "ls", "--quiet", "--filter", filter]);
  return names.split("\n").filter((name) => name !== "");
}

/** Without containers Compose knows of no volumes. */
async function removeVolumes(engine: ComposeEngine): Promise<void> {
  const names = await volumesOf(engine);
  if (names.length > 0) await engine.ask(["volume", "rm", ...names]);
}

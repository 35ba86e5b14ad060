import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { SETTINGS } from "../../../worker/contract/settings.ts";
import { explained, unlessMissing } from "../../hosts/errors.ts";
import { removeFile, removeTree } from "../../hosts/host-files.ts";
import { stopWorkers, toStandardError } from "../../hosts/local-workers.ts";
import { readRecord, recordedNames, removeRecord } from "../../hosts/process-record.ts";
import { type StopRule, stopProcess } from "../../hosts/stop-process.ts";
import type { LocalPaths } from "./document.ts";

/** No state says how long they may take: as long as any of them may by default. */
const STOP = { signal: "SIGTERM", timeoutSeconds: 60 } as const;

/** Its SIGTERM waits until every client is gone. */
const POSTGRES_STOP = { ...STOP, signal: "SIGINT" } as const;

async function stopRecorded(directory: string, rule: StopRule = STOP): Promise<readonly string[]> {
  const names = await recordedNames(directory);
  for (const name of names) {
    const record = await readRecord(directory, name);
    if (record !== null) await stopProcess(name, record, rule);
    await removeRecord(directory, name);
  }
  return names;
}

/** Every class has its own, `run` or `run-<class>`. */
async function runDirectories({ directory, run }: LocalPaths): Promise<readonly string[]> {
  const names = await explained(`read ${directory}`, () => unlessMissing(readdir(directory), []));
  const own = basename(run);
  return names
    .filter((name) => name === own || name.startsWith(`${own}-`))
    .map((name) => join(directory, name));
}

/**
 * Stops what updates that were cut off before they saved their state left running of a stack, in the order of
 * `down`, and removes its secrets. Returns the names of the processes that were recorded.
 */
export async function stopLeftovers(paths: LocalPaths): Promise<readonly string[]> {
  const spawners = await stopRecorded(paths.directory);
  const stopTimeoutSeconds = SETTINGS.gracefulShutdownTimeout.default;
  for (const directory of await runDirectories(paths))
    await stopWorkers({ directory, stopTimeoutSeconds }, toStandardError);
  const servers = [
    ...(await stopRecorded(paths.redis)),
    ...(await stopRecorded(paths.postgres, POSTGRES_STOP)),
  ];
  for (const file of [paths.clientEnv, paths.databaseEnv, paths.apiEnv]) await removeFile(file);
  await removeTree(paths.secrets);
  return [...spawners, ...servers];
}

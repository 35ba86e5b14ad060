/** Restores a backup into empty servers and compares what is there with its manifest. */
import { BackupFaultsError } from "./backup-error.ts";
import { fileFaults } from "./catalog.ts";
import type { Comparison } from "./compare.ts";
import type { Manifest } from "./manifest.ts";
import type { Programs } from "./programs.ts";
import {
  compareDump,
  demandEmptyFolder,
  demandEmptyRedis,
  markRestoring,
  type QueueServer,
  restoreQueue,
  writeServerFiles,
} from "./restore-queue.ts";
import { demandEmptyDatabase, demandKnownMigrations, restoreRecord } from "./restore-record.ts";

export interface RestoreOptions {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly programs: Programs;
  /** A running server, a folder that one starts from, or nothing of the queue. */
  readonly queue: QueueServer | { readonly directory: string } | null;
  /** URL of the role that owns the record's tables; `null`: nothing of the record. */
  readonly databaseUrl: string | null;
  readonly signal: AbortSignal;
}

/**
 * The record first: a worker that finds the queue's tasks must not find an empty record.
 * @throws BackupError, with nothing written, when the backup is broken or a target is not empty.
 */
export async function restoreBackup(o: RestoreOptions): Promise<readonly Comparison[]> {
  const { folder, manifest, programs, queue, databaseUrl, signal } = o;
  const faults = await fileFaults(folder, manifest);
  if (faults.length > 0) throw new BackupFaultsError(`backup ${manifest.name} is broken`, faults);
  const { record } = manifest;
  demandKnownMigrations(manifest);
  if (queue !== null) await ("url" in queue ? demandEmptyRedis(queue) : demandEmptyFolder(queue.directory));
  if (record !== null && databaseUrl !== null) await demandEmptyDatabase(databaseUrl, record.prefix);
  if (queue !== null && "url" in queue) await markRestoring(queue, manifest.name);
  const comparisons: Comparison[] = [];
  if (record !== null && databaseUrl !== null)
    comparisons.push(...(await restoreRecord(record, { url: databaseUrl, programs, folder, signal })));
  if (queue === null) return comparisons;
  if ("url" in queue)
    return [...comparisons, ...(await restoreQueue(manifest.queue, folder, programs, queue, signal))];
  comparisons.push(...(await compareDump(manifest.queue, folder, programs, signal)));
  await writeServerFiles(manifest.queue, folder, queue.directory);
  return comparisons;
}

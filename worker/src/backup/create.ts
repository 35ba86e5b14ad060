/** Makes a backup: the queue first, then the record, so that the record knows all that the queue has told (ADR 0020). */
import { beginBackup } from "./catalog.ts";
import type { Manifest } from "./manifest.ts";
import type { Programs } from "./programs.ts";
import { loadQueue, takeQueue } from "./queue-dump.ts";
import { dumpRecord } from "./record-dump.ts";

export interface CreateOptions {
  readonly directory: string;
  readonly redis: { readonly url: string; readonly password: string };
  /** As the backup role; `null`: no record. */
  readonly database: { readonly url: string; readonly prefix: string } | null;
  readonly programs: Programs;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

export interface CreatedBackup {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** @throws BackupError, RedisUnavailableError, StoreUnavailableError; then there is no backup. */
export async function createBackup(o: CreateOptions): Promise<CreatedBackup> {
  const partial = await beginBackup(o.directory, o.now);
  try {
    const { programs, signal } = o;
    const where = { ...o.redis, programs, signal, folder: partial.folder };
    const taken = await takeQueue(where);
    const record = o.database === null ? null : await dumpRecord({ ...where, ...o.database });
    const queue = await loadQueue(taken, where);
    const times = { started_at: partial.at.toISOString(), finished_at: o.now().toISOString() };
    const manifest: Manifest = { v: 1, name: partial.name, ...times, queue, record };
    return { folder: await partial.finish(manifest), manifest };
  } finally {
    // Of a finished one nothing is there under this name.
    await partial.drop();
  }
}

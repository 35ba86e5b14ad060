/** The restore drill: a backup into empty servers, and what is there then against its manifest. */

import { dirname, resolve } from "node:path";
import { RedisUnavailableError } from "../core/errors.ts";
import { type DatedReport, readDated, writeDated } from "../dated-reports.ts";
import { StoreUnavailableError } from "../ports/activity-store.ts";
import { BackupError, BackupFaultsError, NotEmptyError } from "./backup-error.ts";
import type { ListedBackup } from "./catalog.ts";
import { type Comparison, differences } from "./compare.ts";
import type { Manifest } from "./manifest.ts";
import type { Programs } from "./programs.ts";
import { restoreBackup } from "./restore.ts";
import { compareDump, type QueueServer } from "./restore-queue.ts";
import { scratchPostgres } from "./scratch-postgres.ts";

export interface DrillReport extends DatedReport {
  readonly backup: string;
  readonly folder: string;
  /** Of the backup when the drill began, in ms. */
  readonly age_ms: number;
  readonly duration_ms: number;
  /** `own`: a server that the drill started. */
  readonly servers: { readonly postgres: "own" | "given" | "none"; readonly redis: "own" | "given" };
  readonly comparisons: readonly Comparison[];
  readonly passed: boolean;
  /** What is wrong with the backup, or was different. */
  readonly faults: readonly string[];
}

export interface DrillOptions {
  readonly backup: ListedBackup & { readonly manifest: Manifest };
  readonly programs: Programs;
  /** Empty servers to restore into; `null`: the drill starts its own. */
  readonly databaseUrl: string | null;
  readonly redis: QueueServer | null;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

const KIND = "restore-drill";

/** @throws BackupError when a program is missing, NotEmptyError for a given server, what an unreachable given server says, or the signal's reason. */
export async function runDrill(o: DrillOptions): Promise<DrillReport> {
  const { backup, programs, signal } = o;
  const { manifest, folder, name } = backup;
  const ownPostgres = manifest.record !== null && o.databaseUrl === null;
  for (const program of ownPostgres ? (["initdb", "postgres", "pg_restore"] as const) : [])
    programs.find(program);
  programs.find("redis-server");
  const began = o.now();
  const { comparisons, faults } = await tried(() => restoreAll(o), signal);
  const all = [...faults, ...differences(comparisons)];
  return {
    ...{ v: 1, at: new Date(began).toISOString(), backup: name, folder },
    ...{ age_ms: began - backup.at, duration_ms: o.now() - began },
    servers: {
      postgres: manifest.record === null ? "none" : ownPostgres ? "own" : "given",
      redis: o.redis === null ? "own" : "given",
    },
    ...{ comparisons, passed: all.length === 0, faults: all },
  };
}

async function restoreAll(o: DrillOptions): Promise<readonly Comparison[]> {
  const { backup, programs, signal, redis, databaseUrl } = o;
  const { manifest, folder } = backup;
  const into = { folder, manifest, programs, signal, queue: redis };
  const queue = () => (redis === null ? compareDump(manifest.queue, folder, programs, signal) : []);
  if (manifest.record === null || databaseUrl !== null)
    return [...(await restoreBackup({ ...into, databaseUrl })), ...(await queue())];
  const server = await scratchPostgres(programs, signal);
  try {
    return [...(await restoreBackup({ ...into, databaseUrl: server.url })), ...(await queue())];
  } finally {
    await server.stop();
  }
}

/** What a broken backup gives is a result; what keeps a drill from being made is not. */
async function tried(
  work: () => Promise<readonly Comparison[]>,
  signal: AbortSignal,
): Promise<{ readonly comparisons: readonly Comparison[]; readonly faults: readonly string[] }> {
  try {
    return { comparisons: await work(), faults: [] };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BackupFaultsError) return { comparisons: [], faults: error.faults };
    const ofTarget = [RedisUnavailableError, StoreUnavailableError, NotEmptyError];
    if (ofTarget.some((one) => error instanceof one)) throw error;
    if (error instanceof BackupError) return { comparisons: [], faults: [error.message] };
    throw error;
  }
}

/** Writes the report into a folder; returns its path. */
export function writeDrillReport(folder: string, report: DrillReport): string {
  return writeDated(folder, KIND, report);
}

/** When and how the last drill of a backup in the folder `backups` ended; `null` when no report tells. */
export function newestDrill(
  folder: string,
  backups: string,
): { readonly at: number; readonly file: string; readonly passed: boolean } | null {
  for (const { file, report } of readDated<DrillReport>(folder, KIND))
    if (dirname(resolve(report.folder)) === resolve(backups))
      return { at: Date.parse(report.at), file, passed: report.passed };
  return null;
}

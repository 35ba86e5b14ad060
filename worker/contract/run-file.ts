/**
 * One JSON file per worker process of a machine, `<run directory>/<worker id>.json`: what the process
 * actuator, the worker's supervisor and the platform need to find, stop and adopt it. All three speak of a
 * process by pid and start time, so that a reused pid is never taken for it.
 */

import { EXIT_REASONS, type ExitReason } from "./records.ts";

/** A process: its pid, and field 22 of `/proc/<pid>/stat` (clock ticks since boot). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: number;
}

export interface RunFile {
  readonly worker_id: string;
  readonly supervisor_pid: number;
  readonly supervisor_start: number;
  /** `null` until the supervisor has started its worker. */
  readonly worker_pid: number | null;
  readonly worker_start: number | null;
  /** The first process of the worker's pid namespace, with which all in it ends; absent without one. */
  readonly namespace_pid?: number;
  readonly namespace_start?: number;
  /** `TASKFLEET_REVISION` that the worker was started with. */
  readonly revision: string;
  /** Milliseconds since the epoch. */
  readonly started_at: number;
  /** Why the worker ended; there only from its end until that is recorded. */
  readonly exit?: ExitReason;
}

const SUFFIX = ".json";

/** File name of this worker's run file. */
export function runFileName(workerId: string): string {
  return `${workerId}${SUFFIX}`;
}

/** Whether a name in the run directory is a run file; others are half-written ones or strangers. */
export function isRunFileName(name: string): boolean {
  return name.endsWith(SUFFIX) && !name.startsWith(".");
}

/** The supervisor that a run file names. */
export function supervisorOf(file: RunFile): ProcessIdentity {
  return { pid: file.supervisor_pid, start: file.supervisor_start };
}

/** The worker that a run file names, or `null` while there is none yet. */
export function workerOf(file: RunFile): ProcessIdentity | null {
  if (file.worker_pid === null || file.worker_start === null) return null;
  return { pid: file.worker_pid, start: file.worker_start };
}

/** The first process of the worker's pid namespace, or `null` where it has none of its own. */
export function namespaceOf(file: RunFile): ProcessIdentity | null {
  if (file.namespace_pid === undefined || file.namespace_start === undefined) return null;
  return { pid: file.namespace_pid, start: file.namespace_start };
}

/** Reads a run file's text. Returns `null` for anything that is not one: it was written by nobody we know. */
export function parseRunFile(text: string): RunFile | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const file = value as Partial<Record<keyof RunFile, unknown>>;
  const number = (field: unknown) => typeof field === "number" && Number.isFinite(field);
  const numberOrNone = (field: unknown) => field === undefined || number(field);
  const numberOrNull = (field: unknown) => field === null || number(field);
  const fits =
    typeof file.worker_id === "string" &&
    typeof file.revision === "string" &&
    number(file.supervisor_pid) &&
    number(file.supervisor_start) &&
    numberOrNull(file.worker_pid) &&
    numberOrNull(file.worker_start) &&
    numberOrNone(file.namespace_pid) &&
    numberOrNone(file.namespace_start) &&
    number(file.started_at) &&
    (file.exit === undefined || EXIT_REASONS.some((reason) => reason === file.exit));
  return fits ? (value as RunFile) : null;
}

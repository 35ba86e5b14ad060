import type { ExitReason } from "../../contract/records.ts";

/** A worker that an actuator started, whichever spawner asked for it. */
export interface ManagedWorker {
  readonly workerId: string;
  /** `TASKFLEET_REVISION` that it was started with. */
  readonly revision: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Draining ones finish their tasks and take no new ones. */
  readonly draining: boolean;
  /** The host name that it reports and no other worker has, where it chooses its worker id itself; else absent. */
  readonly host?: string;
}

/** Why a worker is asked to end: it has nothing to do, or another takes its place. */
export type DrainReason = Extract<ExitReason, "idle" | "signal">;

/** Starts and stops workers; what it manages outlives the spawner and is found again by the next one. */
export interface Actuator {
  /** Workers that exist or are starting. */
  list(): Promise<readonly ManagedWorker[]>;
  /** Starts so many workers and returns their ids. Throws when the first of them cannot be started. */
  start(count: number): Promise<readonly string[]>;
  /** Asks these workers to finish their tasks and end. An id that is gone is no error. */
  drain(workerIds: readonly string[], reason?: DrainReason): Promise<void>;
  /**
   * Finds workers that vanished with nobody left to record why, hands each to `record`, and forgets it when
   * `record` did not throw. Returns their ids.
   */
  reap(record: (vanished: VanishedWorker) => Promise<void>): Promise<readonly string[]>;
}

export interface VanishedWorker {
  readonly workerId: string;
  /** As of `ManagedWorker`. */
  readonly host?: string;
  /** What its supervisor noted; without a note `signal` when it was being drained, else `error`. */
  readonly reason: ExitReason;
}

/**
 * The scaling law: how many workers a fleet should have. Pure; the spawner runs it where the target has no
 * scaler of its own, and the targets render the same policy into their own terms.
 */

export interface BacklogPolicy {
  /** Fewest workers until the idle rule fires. */
  readonly min: number;
  readonly max: number;
  /** Pending tasks that justify one worker. */
  readonly tasksPerWorker: number;
  /** Free workers kept ahead of demand while there is work. */
  readonly warmPool: number;
  /** Whether the warm pool stays when the idle rule fires. */
  readonly warmPoolWhenIdle: boolean;
  /** Waiting and running both 0 for this long: no workers. In seconds. */
  readonly idleToZeroSeconds: number;
}

export interface ScalingSignals {
  readonly nowMs: number;
  /** Tasks in the stream that no worker holds. */
  readonly waiting: number;
  /** Tasks that workers hold. */
  readonly running: number;
  /** Retries and delayed tasks whose time has come. */
  readonly dueRetries: number;
  /** Workers that hold at least one task. */
  readonly busyWorkers: number;
  /** Workers that exist or are starting, draining ones excepted. */
  readonly liveWorkers: number;
}

export interface ScalingState {
  /** Since when nothing waits or runs; `null` while there is work. */
  readonly idleSinceMs: number | null;
}

export interface ScalingDecision {
  readonly desired: number;
  /** A short reason for people and dashboards. */
  readonly reason: "backlog" | "minimum" | "maximum" | "busy" | "warm-pool" | "idle" | "hold";
  readonly state: ScalingState;
}

/**
 * Runs: what the record knows of tasks. A run is a task's row; its log is what happened to it, in order. Field
 * names are the wire's (snake_case); all times are milliseconds since the epoch.
 */

/** Delayed, parked and retrying tasks are `queued`; `due_at` and `attempts` tell them apart. */
export const RUN_STATUSES = ["queued", "running", "success", "error", "cancelled", "dead"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Those of a run that has not ended. */
export const OPEN_STATUSES = ["queued", "running"] as const satisfies readonly RunStatus[];

export interface Run {
  /** The stream. */
  readonly queue: string;
  readonly id: string;
  readonly kind: string;
  readonly status: RunStatus;
  /** Whose task it is; its own id when the push named none. */
  readonly agent_id: string;
  readonly priority: string;
  /** Failed or ended attempts. */
  readonly attempts: number;
  /** Deliveries beyond the first, since the last attempt that was counted. */
  readonly deliveries: number;
  readonly created_at: number;
  /** When a delayed task or a retry may start. */
  readonly due_at: number | null;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  /** Of the last change. */
  readonly updated_at: number;
  readonly worker_id: string | null;
  readonly handler_version: string | null;
  readonly image_tag: string | null;
  /** A `FailureReason`, of the last failure. */
  readonly reason: string | null;
  readonly message: string | null;
  /** 32 hex digits, when the push was traced. */
  readonly trace_id: string | null;
  /** 0 to 1. */
  readonly progress: number | null;
}

/** One line of a run's log. */
export interface RunLogLine {
  readonly at: number;
  /** The run's status after it. */
  readonly status: RunStatus;
  /** Counted from 1; null where no attempt is meant. */
  readonly attempt: number | null;
  readonly worker_id: string | null;
  readonly message: string | null;
  readonly progress: number | null;
}

export interface RunWithLog extends Run {
  /** Oldest first. */
  readonly log: readonly RunLogLine[];
}

/** Runs that have been open for so long are reset, in seconds, unless the caller says otherwise. Source: worker-pool runbook. */
export const RESET_AFTER_S = 3_600;

/** The history of executions: one JSON object a line, for each attempt that ended. */

import type { AttemptStatus, FailureReason } from "./records.ts";

export interface HistoryLine {
  /** When it ended: ISO 8601, UTC. */
  readonly timestamp: string;
  /** The stream. */
  readonly queue: string;
  readonly task_id: string;
  readonly kind: string;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly outcome: AttemptStatus;
  readonly duration_ms: number;
  readonly worker_id: string;
  readonly image_tag: string;
  /** 32 hex digits, of a traced task. */
  readonly trace_id?: string;
  /** Without secrets. */
  readonly error?: { readonly reason: FailureReason; readonly message: string };
}

/** Where stack `local` keeps it, below the project's root. */
export const HISTORY_PATH = ".var/logs/execution_history.jsonl";

/**
 * The records that other programs read: results, dead letters, worker reports. Field names are the wire's
 * (snake_case); all times are milliseconds since the epoch.
 */

import type { Controls } from "./controls.ts";
import type { StoredOutput } from "./results.ts";

/** How a task ended for good. `dead` tasks have no result: they stand in the dead-letter queue. */
export type ResultStatus = "success" | "error" | "cancelled";

/** How one attempt ended; the `status` label of `worker_task_total`. */
export type AttemptStatus = ResultStatus | "retry" | "dead";

/**
 * Why an attempt failed; the `reason` label of `handler_fail_total`.
 * `handler`: it threw; `timeout`: over its time; `exit`: a program's exit status; `output`: over what it may
 * print or write; `payload`: does not fit the schema; `secret`: carries one; `kind`: no handler here; `cancelled`;
 * `poison`: delivered too often without an end; `cpu`, `memory`, `processes`: over that limit of a sandbox;
 * `denied`: asked for what is not allowed; `circuit`: the service's circuit breaker was open; `result`: its result could
 * not be kept.
 */
export const FAILURE_REASONS = [
  "handler",
  "timeout",
  "exit",
  "output",
  "cpu",
  "memory",
  "processes",
  "denied",
  "payload",
  "secret",
  "kind",
  "cancelled",
  "poison",
  "circuit",
  "result",
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** One failed attempt. */
export interface AttemptError {
  readonly attempt: number;
  readonly at: number;
  readonly message: string;
  readonly reason: FailureReason;
  readonly worker_id: string;
}

export interface ResultRecord {
  readonly v: 1;
  readonly id: string;
  readonly kind: string;
  readonly status: ResultStatus;
  /** What the handler returned; a failed program's output is kept too. Absent when it returned nothing. */
  readonly output?: unknown;
  readonly error?: { readonly message: string; readonly reason: FailureReason };
  /** Runs in all, this one included. */
  readonly attempts: number;
  readonly enqueued_at: number;
  /** Absent when the task was cancelled while nobody ran it, or its worker left that to the queue. */
  readonly started_at?: number;
  readonly finished_at: number;
  readonly handler_version: string;
  readonly image_tag: string;
  readonly worker_id: string;
  /** In Redis alone, in place of an output that is kept elsewhere; readers get the output. */
  readonly stored?: StoredOutput;
}

/** A task in the dead-letter queue, also the element of an export file. */
export interface DeadLetter {
  readonly v: 1;
  readonly id: string;
  readonly kind: string;
  /** The payload's JSON text, as pushed. */
  readonly payload: string;
  /** JSON text of `TaskOptions`; empty for none. */
  readonly options: string;
  readonly enqueued_at: number;
  readonly attempts: number;
  readonly deliveries: number;
  readonly errors: readonly AttemptError[];
  readonly buried_at: number;
  /** "Moved to DLQ: <error>". */
  readonly message: string;
}

/** `peagen queue dlq export` writes one of these. */
export interface DeadLetterExport {
  readonly v: 1;
  readonly stream: string;
  readonly exported_at: number;
  readonly tasks: readonly DeadLetter[];
}

/** A handler's last progress report. */
export interface TaskProgress {
  /** 0 to 1. */
  readonly done: number;
  readonly note: string;
}

/** What a worker says of itself with every heartbeat. */
export interface WorkerReport {
  readonly worker_id: string;
  readonly pid: number;
  readonly host: string;
  readonly state: "busy" | "idle" | "draining";
  readonly slots: number;
  /** Running and prefetched tasks by kind. */
  readonly running: Readonly<Record<string, number>>;
  /** Progress of the running tasks that reported any, by task id. */
  readonly progress?: Readonly<Record<string, TaskProgress>>;
  readonly image_tag: string;
  /** Hash of everything a worker is started with; the spawner replaces workers of another revision. */
  readonly revision: string;
  readonly started_at: number;
  /** Where its /metrics and /health answer, or "" when they are off. */
  readonly address: string;
  /** How it is confined; absent where something else than its supervisor does that, or nothing. */
  readonly controls?: Controls;
  /** What untrusted programs run in and what it lacks, or why there is none; in words. */
  readonly sandbox?: string;
}

/** What a process of the role api says of itself every few seconds. */
export interface ApiReport {
  /** Unique per process start. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly started_at: number;
  readonly streams: readonly string[];
  /** Where it serves, and where its /metrics answers. */
  readonly address: string;
  readonly metrics: string;
  /** What `/health/ready` says; empty when it is ready. */
  readonly errors: readonly string[];
}

/** Why a worker process ended; the `reason` label of `worker_exit_reason_total`. */
export const EXIT_REASONS = ["success", "idle", "error", "timeout", "signal"] as const;
export type ExitReason = (typeof EXIT_REASONS)[number];

/** A kind that the fleet runs, as the spawner publishes it. */
export interface PublishedKind {
  readonly kind: string;
  readonly version: string;
  readonly description: string;
  /** JSON Schema of the payload. */
  readonly payload: object;
}

/**
 * What an application team writes: a handler, the code that runs tasks of one kind.
 *
 * ```ts
 * import { defineHandler, Type } from "@taskfleet/worker/handler";
 *
 * export default defineHandler({
 *   kind: "greet",
 *   version: "1.0.0",
 *   description: "Greets somebody.",
 *   payload: Type.Object({ name: Type.String() }),
 *   run: async ({ name }) => `hello ${name}`,
 * });
 * ```
 */
import { type Static, type TSchema, Type } from "typebox";
import type { KindLimits } from "../contract/kind-limits.ts";
import type { FailureReason } from "../contract/records.ts";

export type { KindLimits, RateLimit } from "../contract/kind-limits.ts";
export { Type };

export interface TaskContext {
  readonly taskId: string;
  readonly kind: string;
  /** 1 for the first run. */
  readonly attempt: number;
  /** Aborted when the task is cancelled, runs out of time or the worker must stop; `reason` is an `AbortReason`. */
  readonly signal: AbortSignal;
  /** How long the handler may take after that, in ms, before the task goes on without it. */
  readonly graceMs: number;
  /**
   * W3C's header for calls that belong to this attempt; `undefined` while tracing is off. In the event loop the attempt's
   * span is also OpenTelemetry's active one.
   */
  readonly traceparent?: string | undefined;
  /**
   * The circuit breaker of a service outside, shared by all workers of the queue. `name`: 1 to 300 characters without
   * control characters, such as the service's origin.
   */
  circuit(name: string): Circuit;
  /**
   * A secret that the handler names in `requires.secrets`: the value that counts now. Ask for it in each run, and it
   * can be changed while the worker runs. Never write it into an output; where it turns up, it is blackened.
   * @throws PermanentError when the handler does not name it there.
   */
  secret(name: string): string;
  /** Reports progress, 0 to 1; the last report travels with the worker's heartbeat. */
  progress(done: number, note?: string): void;
  /** Writes a structured log record with the task's id and kind. */
  log(event: string, fields?: Record<string, unknown>): void;
}

export interface Circuit {
  /**
   * Calls the service and returns what it returns, unless the circuit is open: then it throws a `RetryLaterError` that
   * has the task retried once the circuit lets somebody through. A call that throws counts as a failure of the
   * service, but for a `PermanentError`: that is an answer. So is a call that returns. What was cancelled or stopped
   * counts as neither.
   */
  run<Answer>(call: () => Promise<Answer>): Promise<Answer>;
}

export interface Requirements {
  /** Names of secrets, such as `OPENAI_API_KEY`: variables, or what a secret source has. */
  readonly secrets?: readonly string[];
  /** Paths of files, relative to the handler's module; those of a bundled handler to the working directory. */
  readonly files?: readonly string[];
}

/** Why a task's signal was aborted. After `stopping` and `lost` the task runs again, here or elsewhere. */
export type AbortReason = "cancelled" | "timeout" | "stopping" | "lost";

export interface Handler<Payload extends TSchema = TSchema> {
  /** The tasks it runs: 1 to 64 characters of `a-z A-Z 0-9 . _ -`. */
  readonly kind: string;
  /** Recorded in every result as `handler_version`. */
  readonly version: string;
  readonly description: string;
  /** JSON Schema of the payload; a push that does not fit is refused. */
  readonly payload: Payload;
  /** Wall-clock limit of one attempt, in ms, unless the task names one. Default: `TASKFLEET_TASK_TIMEOUT`. */
  readonly timeoutMs?: number;
  /** Default: `TASKFLEET_MAX_ATTEMPTS`. */
  readonly maxAttempts?: number;
  /**
   * How many of its tasks may run at once, and start in any window of time, across all workers of a queue. What the
   * fleet sets for the kind wins. Default: no limits.
   */
  readonly limits?: KindLimits;
  /** What must be there for the worker to start. Default: nothing. */
  readonly requires?: Requirements;
  /**
   * Where it runs. `event-loop`: with the worker's other tasks, for code that mostly waits. `thread`: in a thread of its
   * own, for code that computes; it can be ended by force, and heartbeats go on meanwhile. A `thread` handler comes
   * from the handlers folder. Default: `event-loop`.
   */
  readonly isolation?: "event-loop" | "thread";
  /**
   * Returns the task's output, any JSON value. A thrown error is retried, unless it is a `PermanentError`; not
   * before its time, if it is a `RetryLaterError`. What fails outside of the returned promise (an event without a listener, say) ends the whole worker.
   */
  run(payload: Static<Payload>, context: TaskContext): Promise<unknown>;
}

/** Types a handler; returns it as it is. */
export function defineHandler<Payload extends TSchema>(handler: Handler<Payload>): Handler<Payload> {
  return handler;
}

/** Thrown by a handler when another run cannot help: the task ends with an `error` result at once. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
  readonly reason: FailureReason;
  /** Kept as the result's output, for example what a failed program printed. */
  readonly output?: unknown;
  constructor(message: string, details: { reason?: FailureReason; output?: unknown; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.reason = details.reason ?? "handler";
    if (details.output !== undefined) this.output = details.output;
  }
}

/** Thrown by a handler when another run can help, but not before some time has passed. */
export class RetryLaterError extends Error {
  override readonly name = "RetryLaterError";
  readonly reason: FailureReason;
  /** The least delay of the next run, in ms; the usual backoff, where that is longer. At most a day counts. */
  readonly retryAfterMs: number;
  constructor(message: string, details: { retryAfterMs: number; reason?: FailureReason; cause?: unknown }) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.reason = details.reason ?? "handler";
    this.retryAfterMs = details.retryAfterMs;
  }
}

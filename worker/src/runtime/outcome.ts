/** What becomes of an attempt. Pure: how it ended and the retry policy in, what to write to the queue out. */
import {
  type AttemptError,
  FAILURE_REASONS,
  type FailureReason,
  type ResultRecord,
  type ResultStatus,
} from "../../contract/records.ts";
import { atLeast, type RetrySpacing, retryDelay } from "../core/retry-delay.ts";
import type { DeliveredTask } from "../core/task.ts";
import type { AbortReason, PermanentError, RetryLaterError } from "../handler.ts";
import { redactValue } from "../logging/redact.ts";

/** How the handler's part of an attempt ended. `forced`: it did not obey within the grace. */
export type Ending =
  | { readonly how: "returned"; readonly output: unknown }
  | { readonly how: "threw"; readonly thrown: unknown }
  | { readonly how: "forced" };

export interface AttemptRecord {
  readonly task: DeliveredTask;
  readonly handlerVersion: string;
  /** Runs in all that this task may have. */
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  /** Milliseconds since the epoch; `null` when the handler was never called. */
  readonly startedAt: number | null;
  readonly finishedAt: number;
  readonly ending: Ending;
  /** The first request to stop, if any. It decides, whatever the handler did afterwards. */
  readonly aborted: AbortReason | null;
}

/** What is the same for all outcomes of a worker. */
export interface OutcomePolicy {
  readonly workerId: string;
  readonly imageTag: string;
  readonly spacing: RetrySpacing;
  readonly random: () => number;
  /** Takes secrets out of messages and outputs. */
  readonly redact: (text: string) => string;
}

export type Outcome =
  | {
      readonly type: "settle";
      readonly task: DeliveredTask;
      readonly result: ResultRecord;
      readonly runtimeMs: number;
    }
  | {
      readonly type: "retry";
      readonly task: DeliveredTask;
      readonly error: AttemptError;
      readonly delayMs: number;
      readonly runtimeMs: number;
    }
  | {
      readonly type: "bury";
      readonly task: DeliveredTask;
      readonly error: AttemptError;
      readonly runtimeMs: number;
    }
  | { readonly type: "release"; readonly task: DeliveredTask };

const MAX_MESSAGE = 4_000;
/** Of errors whose message says all. */
const SILENT_NAMES: readonly string[] = ["Error", "PermanentError", "RetryLaterError"];

/** An error's text for results and dead letters: its name, unless it says nothing, and its message. */
function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return SILENT_NAMES.includes(thrown.name) ? thrown.message : `${thrown.name}: ${thrown.message}`;
}

/** By name: a module of the handlers folder may have the class from another copy of the package. */
function isPermanent(thrown: unknown): thrown is Error & Pick<PermanentError, "reason" | "output"> {
  return thrown instanceof Error && thrown.name === "PermanentError";
}

function isLater(thrown: unknown): thrown is Error & Pick<RetryLaterError, "reason" | "retryAfterMs"> {
  return thrown instanceof Error && thrown.name === "RetryLaterError";
}

/** A reason that another copy of the package may have given. */
function knownReason(given: unknown): FailureReason {
  return FAILURE_REASONS.find((known) => known === given) ?? "handler";
}

/** An output as it is stored, without secrets; `undefined` when JSON cannot hold it. */
function stored(output: unknown, { redact }: OutcomePolicy): { readonly output: unknown } | undefined {
  try {
    return { output: redactValue(output, redact) };
  } catch {
    return undefined;
  }
}

function runtimeMs({ startedAt, finishedAt }: AttemptRecord): number {
  return startedAt === null ? 0 : Math.max(0, finishedAt - startedAt);
}

interface End {
  readonly status: ResultStatus;
  readonly output?: unknown;
  readonly error?: { readonly message: string; readonly reason: FailureReason };
}

function settle(attempt: AttemptRecord, policy: OutcomePolicy, end: End): Outcome {
  const { task, startedAt, finishedAt, handlerVersion } = attempt;
  const result: ResultRecord = {
    v: 1,
    id: task.id,
    kind: task.kind,
    status: end.status,
    ...(end.error === undefined
      ? {}
      : { error: { ...end.error, message: shorten(end.error.message, policy) } }),
    attempts: task.attempts + (startedAt === null ? 0 : 1),
    enqueued_at: task.enqueuedAt,
    ...(startedAt === null ? {} : { started_at: startedAt }),
    finished_at: finishedAt,
    handler_version: handlerVersion,
    image_tag: policy.imageTag,
    worker_id: policy.workerId,
    // Last, so that scripts find the other members without reading it.
    ...(end.output === undefined ? {} : { output: end.output }),
  };
  return { type: "settle", task, result, runtimeMs: runtimeMs(attempt) };
}

/** A cut must leave no half of a pair: scripts refuse JSON that has one. */
function shorten(message: string, policy: OutcomePolicy): string {
  return policy.redact(message).slice(0, MAX_MESSAGE).toWellFormed();
}

function fail(
  attempt: AttemptRecord,
  policy: OutcomePolicy,
  reason: FailureReason,
  message: string,
  askedMs?: number,
): Outcome {
  const { task, maxAttempts, finishedAt } = attempt;
  const run = task.attempts + 1;
  const error: AttemptError = {
    attempt: run,
    at: finishedAt,
    message: shorten(message, policy),
    reason,
    worker_id: policy.workerId,
  };
  const common = { task, error, runtimeMs: runtimeMs(attempt) };
  if (run >= maxAttempts) return { type: "bury", ...common };
  const { spacing, random } = policy;
  const delayMs = atLeast(retryDelay(run, spacing, random), askedMs, spacing, random);
  return { type: "retry", ...common, delayMs };
}

function permanent(attempt: AttemptRecord, policy: OutcomePolicy, thrown: unknown): Outcome | undefined {
  if (!isPermanent(thrown)) return undefined;
  const output = stored(thrown.output, policy)?.output;
  const reason = knownReason(thrown.reason);
  return settle(attempt, policy, { status: "error", output, error: { message: messageOf(thrown), reason } });
}

function threw(attempt: AttemptRecord, policy: OutcomePolicy, thrown: unknown): Outcome {
  const ended = permanent(attempt, policy, thrown);
  if (ended !== undefined) return ended;
  const message = messageOf(thrown);
  if (!isLater(thrown)) return fail(attempt, policy, "handler", message);
  return fail(attempt, policy, knownReason(thrown.reason), message, thrown.retryAfterMs);
}

function cancelled(attempt: AttemptRecord, policy: OutcomePolicy): Outcome {
  const { ending } = attempt;
  const kept =
    ending.how === "returned"
      ? ending.output
      : ending.how === "threw" && isPermanent(ending.thrown)
        ? ending.thrown.output
        : undefined;
  const message = attempt.startedAt === null ? "cancelled before it ran" : "cancelled while it ran";
  return settle(attempt, policy, {
    status: "cancelled",
    output: stored(kept, policy)?.output,
    error: { message, reason: "cancelled" },
  });
}

function timedOut(attempt: AttemptRecord, policy: OutcomePolicy): Outcome {
  const { ending, timeoutMs } = attempt;
  const thrown = ending.how === "threw" ? ending.thrown : undefined;
  const message = `took longer than its limit of ${timeoutMs} ms`;
  return permanent(attempt, policy, thrown) ?? fail(attempt, policy, "timeout", message);
}

/**
 * Judges an attempt. The end of a task that is another worker's by now is offered like any other: the fence
 * refuses it and counts it as late.
 */
export function outcomeOf(attempt: AttemptRecord, policy: OutcomePolicy): Outcome {
  const { task, ending, aborted } = attempt;
  if (aborted === "stopping" || (aborted === "lost" && ending.how !== "returned"))
    return { type: "release", task };
  if (aborted === "cancelled") return cancelled(attempt, policy);
  if (aborted === "timeout" || ending.how === "forced") return timedOut(attempt, policy);
  if (ending.how === "threw") return threw(attempt, policy, ending.thrown);
  const result = stored(ending.output, policy);
  if (result === undefined) {
    const message = "the handler returned something that JSON cannot hold";
    return settle(attempt, policy, { status: "error", error: { message, reason: "handler" } });
  }
  return settle(attempt, policy, { status: "success", output: result.output });
}

/** The outcome of a task that is not run: its payload is refused, it was cancelled while it
 * waited here, or nothing could run it. */
export function outcomeWithoutRun(
  attempt: Pick<AttemptRecord, "task" | "handlerVersion" | "finishedAt">,
  policy: OutcomePolicy,
  why:
    | { readonly type: "refused"; readonly reason: "payload" | "secret"; readonly message: string }
    | { readonly type: "cancelled" }
    /** The worker could not give it to its handler. */
    | { readonly type: "failed"; readonly thrown: unknown; readonly maxAttempts: number }
    | {
        readonly type: "unknown-kind";
        readonly kinds: readonly string[];
        readonly maxAttempts: number;
      },
): Outcome {
  const record: AttemptRecord = {
    ...attempt,
    maxAttempts: "maxAttempts" in why ? why.maxAttempts : 1,
    timeoutMs: 0,
    startedAt: null,
    ending: { how: "forced" },
    aborted: null,
  };
  if (why.type === "cancelled") return cancelled(record, policy);
  if (why.type === "failed") return fail(record, policy, "handler", messageOf(why.thrown));
  if (why.type === "unknown-kind") {
    const message = `kind "${attempt.task.kind}" has no handler on this worker, whose kinds are ${why.kinds.join(", ")}`;
    return fail(record, policy, "kind", message);
  }
  const { message, reason } = why;
  return settle(record, policy, { status: "error", error: { message, reason } });
}

/** Why an attempt did not succeed; a task that was cancelled, or goes back unrun, did not fail. */
export function failureOf(
  outcome: Outcome,
): { readonly reason: FailureReason; readonly message: string } | undefined {
  if (outcome.type === "release") return undefined;
  if (outcome.type !== "settle") return outcome.error;
  return outcome.result.status === "error" ? outcome.result.error : undefined;
}

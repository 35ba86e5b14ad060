import { LOG_EVENTS } from "../../contract/log-events.ts";
import type { DeliveredTask } from "../core/task.ts";
import type { Logger } from "../logging/logger.ts";
import { type AttemptTraces, UNTRACED } from "../tracing/tracing.ts";
import { AtMostEvery, PerSecond } from "./event-limits.ts";
import { failureOf, type Outcome } from "./outcome.ts";

/**
 * Where the worker itself failed; the `source` label of `worker_errors_total`. `result`: a result
 * could not be kept by its back end, and its task ended with an error; results in Redis are stored in the step that
 * settles, whose failures count as `settle`. `circuit`: a service was called although
 * Redis could not say whether its circuit is closed, or the call's end could not be told.
 */
export const ERROR_SOURCES = ["poll", "settle", "result", "circuit"] as const;
export type ErrorSource = (typeof ERROR_SOURCES)[number];

const RUNS_PER_SECOND = 100;
const POLL_EVERY_MS = 60_000;
const FAILURE_EVERY_MS = 10_000;

/** What the loop tells the log and the metrics, with the frequent events kept rare. */
export class RuntimeEvents {
  readonly #log: Logger;
  readonly #count: (source: ErrorSource) => void;
  readonly #traces: Pick<AttemptTraces, "ids">;
  readonly #dispatches = new PerSecond(RUNS_PER_SECOND);
  readonly #failedRuns = new PerSecond(RUNS_PER_SECOND);
  readonly #polls = new AtMostEvery(POLL_EVERY_MS);
  readonly #failures = new AtMostEvery(FAILURE_EVERY_MS);
  readonly #unsaved = new AtMostEvery(FAILURE_EVERY_MS);
  #summary: NodeJS.Timeout | null = null;

  /** `count` raises `worker_errors_total`; records of a task have the ids of its span. */
  constructor(
    log: Logger,
    count: (source: ErrorSource) => void,
    traces: Pick<AttemptTraces, "ids"> = UNTRACED.attempts,
  ) {
    this.#log = log;
    this.#count = count;
    this.#traces = traces;
  }

  /** A task went to its handler; beyond 100 a second only their number is logged. */
  dispatched(task: DeliveredTask): void {
    if (this.#dispatches.pass(Date.now())) {
      this.#log.info(
        { task_id: task.id, kind: task.kind, attempt: task.attempts + 1, ...this.#traces.ids(task) },
        LOG_EVENTS.dispatched,
      );
      return;
    }
    this.#summary ??= setTimeout(() => this.flush(), 1_000);
  }

  /** An attempt has ended; of those that failed, beyond 100 a second only their number is logged. */
  ended(outcome: Outcome): void {
    const failure = failureOf(outcome);
    if (failure === undefined) return;
    if (!this.#failedRuns.pass(Date.now())) {
      this.#summary ??= setTimeout(() => this.flush(), 1_000);
      return;
    }
    const { task, type } = outcome;
    const { reason, message } = failure;
    const of = { task_id: task.id, kind: task.kind, attempt: task.attempts + 1 };
    this.#log.warn({ ...of, next: type, reason, why: message, ...this.#traces.ids(task) }, LOG_EVENTS.failed);
  }

  /** Logs the summaries that are due, if any is. */
  flush(): void {
    if (this.#summary !== null) clearTimeout(this.#summary);
    this.#summary = null;
    const count = this.#dispatches.takeExcess();
    if (count > 0) this.#log.info({ count }, LOG_EVENTS.dispatched);
    const failed = this.#failedRuns.takeExcess();
    if (failed > 0) this.#log.warn({ count: failed }, LOG_EVENTS.failed);
  }

  polled(counts: { readonly count: number; readonly running: number; readonly prefetched: number }): void {
    if (this.#polls.pass(Date.now()) !== null) this.#log.info(counts, LOG_EVENTS.poll);
  }

  /** The worker could not read from or write to the queue. */
  failed(source: ErrorSource, error: unknown): void {
    this.#count(source);
    const unlogged = this.#failures.pass(Date.now());
    if (unlogged !== null) this.#log.error({ source, unlogged, exception: error }, LOG_EVENTS.pollError);
  }

  /** A result could not be kept: its task ends with an error that says so. */
  unsaved(task: DeliveredTask, failure: string): void {
    this.#count("result");
    const unlogged = this.#unsaved.pass(Date.now());
    const of = { task_id: task.id, kind: task.kind, ...this.#traces.ids(task) };
    if (unlogged !== null) this.#log.error({ ...of, unlogged, why: failure }, LOG_EVENTS.resultUnsaved);
  }

  /** The worker takes nothing more and finishes what it holds. */
  shuttingDown(state: {
    readonly reason: string;
    readonly running: number;
    readonly prefetched: number;
  }): void {
    this.#log.info(state, LOG_EVENTS.shuttingDown);
  }

  /** An outcome came too late: the task had been taken back. */
  refused(task: DeliveredTask): void {
    this.#log.warn({ task_id: task.id, kind: task.kind, ...this.#traces.ids(task) }, LOG_EVENTS.lateOutcome);
  }

  /** A call of this worker opened a service's circuit, or closed it again. */
  circuitChanged(circuit: string, state: "opened" | "closed"): void {
    this.#log.warn({ circuit, state }, LOG_EVENTS.circuit);
  }

  fromHandler(task: DeliveredTask, event: string, fields: Record<string, unknown>): void {
    this.#log.info({ ...fields, task_id: task.id, kind: task.kind, ...this.#traces.ids(task) }, event);
  }
}

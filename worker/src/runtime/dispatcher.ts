import type { DeliveredTask, EntryPlace } from "../core/task.ts";
import type { AbortReason } from "../handler.ts";
import type { LoadedHandler } from "../handlers/load-handlers.ts";
import type { Circuits } from "../ports/circuits.ts";
import type { AttemptTraces } from "../tracing/tracing.ts";
import { Attempt } from "./attempt.ts";
import type { SecretReader } from "./handler-secrets.ts";
import type { Held, HeldTasks } from "./held-tasks.ts";
import type { KindGate } from "./kind-gate.ts";
import { MeanRunTime } from "./mean-run-time.ts";
import {
  type AttemptRecord,
  type Outcome,
  type OutcomePolicy,
  outcomeOf,
  outcomeWithoutRun,
} from "./outcome.ts";
import type { ThreadPool } from "./threads/thread-pool.ts";
import { Wakeup } from "./wakeup.ts";

/** A payload as the handler gets it, or why it is refused. */
export type CheckedPayload =
  | { readonly payload: unknown }
  | { readonly reason: "payload" | "secret"; readonly message: string };

export interface DispatcherOptions {
  readonly held: HeldTasks;
  readonly handlers: ReadonlyMap<string, LoadedHandler>;
  readonly check: (task: DeliveredTask) => CheckedPayload;
  readonly gate: Pick<KindGate, "limits" | "pass">;
  readonly concurrency: number;
  /** Limits where neither task nor handler names one. */
  readonly defaults: { readonly timeoutMs: number; readonly maxAttempts: number };
  readonly graceMs: number;
  readonly policy: OutcomePolicy;
  readonly threads: ThreadPool;
  readonly circuits: Circuits;
  readonly secrets: SecretReader;
  readonly traces: Pick<AttemptTraces, "began" | "run" | "traceparent">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A monotonic clock in ms. */
  readonly elapsed: () => number;
  /** `thrown`: by the handler, where it threw. */
  readonly write: (outcome: Outcome, thrown?: unknown) => void;
  /** A handler is called. */
  readonly onStart: (task: DeliveredTask) => void;
  /** A handler reported progress. */
  readonly onProgress: (task: DeliveredTask) => void;
  /** A slot became free. */
  readonly onFree: () => void;
  readonly log: (task: DeliveredTask, event: string, fields: Record<string, unknown>) => void;
}

/** Gives held tasks to their handlers, at most `concurrency` at once, and turns each end into an outcome. */
export class Dispatcher {
  readonly #o: DispatcherOptions;
  readonly #runTimes = new MeanRunTime();
  readonly #quiet = new Wakeup();
  /** Handlers that run, or are waited for. */
  #active = 0;
  #open = true;

  constructor(options: DispatcherOptions) {
    this.#o = options;
  }

  /** In ms; `null` before the first run ended. */
  get meanRunMs(): number | null {
    return this.#runTimes.valueMs;
  }

  /** Fills the free slots from what was prefetched. */
  fill(): void {
    const { held, concurrency } = this.#o;
    while (this.#open && held.running < concurrency) {
      const next = held.next();
      if (next === undefined) return;
      this.#start(next);
    }
  }

  /** Starts nothing more; returns what still waits for a slot. */
  close(): Held[] {
    this.#open = false;
    return this.#o.held.in("prefetched");
  }

  /** Resolves when no handler runs, or is waited for, any more. */
  async settled(): Promise<void> {
    while (this.#active > 0) await this.#quiet.wait();
  }

  /** These tasks were asked to stop. */
  cancel(asked: readonly Pick<DeliveredTask, "stream" | "id">[]): void {
    for (const held of this.#o.held.all()) {
      if (!asked.some(({ stream, id }) => stream === held.task.stream && id === held.task.id)) continue;
      if (held.stage === "running") held.attempt?.abort("cancelled");
      else if (held.stage === "prefetched") this.#endWithoutRun(held, { type: "cancelled" });
    }
  }

  /** These entries are another worker's by now: their ends would be refused. */
  lose(entries: readonly EntryPlace[]): void {
    for (const entry of entries) {
      const held = this.#o.held.find(entry);
      if (held?.stage === "prefetched") this.#o.held.remove(held.task);
      else held?.attempt?.abort("lost");
    }
  }

  /** Asks every running handler to stop. */
  abortAll(reason: AbortReason): void {
    for (const { attempt } of this.#o.held.in("running")) attempt?.abort(reason);
  }

  /** Waits for no handler any longer. */
  forceAll(): void {
    for (const { attempt } of this.#o.held.in("running")) attempt?.force();
  }

  /** Calls the task's handler, or ends the task where none can be called. */
  #start(held: Held): void {
    const { handlers, check, gate, defaults } = this.#o;
    const { task } = held;
    const handler = handlers.get(task.kind);
    try {
      const maxAttempts = task.options.maxAttempts ?? handler?.maxAttempts ?? defaults.maxAttempts;
      if (handler === undefined) {
        this.#endWithoutRun(held, { type: "unknown-kind", kinds: [...handlers.keys()], maxAttempts });
        return;
      }
      const checked = check(task);
      if (!("payload" in checked)) {
        this.#endWithoutRun(held, { type: "refused", ...checked });
        return;
      }
      const run = () => this.#run(held, handler, checked.payload, maxAttempts);
      if (gate.limits(task)) void this.#whenAllowed(held, run);
      else run();
    } catch (thrown) {
      this.#endWithoutRun(held, { type: "failed", thrown, maxAttempts: defaults.maxAttempts });
    }
  }

  /** A task of a limited kind runs now, is parked elsewhere, or is handed back. */
  async #whenAllowed(held: Held, run: () => void): Promise<void> {
    this.#active++;
    const passage = await this.#o.gate.pass(held.task);
    try {
      if (passage === "start" && this.#open) run();
      else if (passage === "gone") this.#o.held.remove(held.task);
      else this.#handBack(held);
    } catch (thrown) {
      this.#endWithoutRun(held, { type: "failed", thrown, maxAttempts: this.#o.defaults.maxAttempts });
    }
    this.#left();
  }

  #handBack(held: Held): void {
    this.#o.held.end(held);
    this.#o.write({ type: "release", task: held.task });
  }

  #run(held: Held, handler: LoadedHandler, payload: unknown, maxAttempts: number): void {
    const { defaults, graceMs, threads, circuits, secrets, traces, now, elapsed, onStart, log } = this.#o;
    const { task } = held;
    const timeoutMs = task.options.timeoutMs ?? handler.timeoutMs ?? defaults.timeoutMs;
    traces.began(task);
    const [startedAt, from] = [now(), elapsed()];
    const attempt = new Attempt(
      {
        ...{ task, payload, handler, timeoutMs, graceMs, threads, circuits, secrets, traces },
        redact: this.#o.policy.redact,
        log: (event, fields) => log(task, event, fields),
        onProgress: () => this.#o.onProgress(task),
      },
      ({ ending, aborted }) => {
        const runMs = elapsed() - from;
        this.#runTimes.add(runMs);
        this.#ended(held, {
          ...{ task, handlerVersion: handler.version, maxAttempts, timeoutMs, startedAt, ending, aborted },
          // Not the clock again: it may have been set meanwhile.
          finishedAt: startedAt + Math.round(runMs),
        });
      },
    );
    onStart(task);
    held.attempt = attempt;
    held.startedAt = startedAt;
    this.#active++;
    attempt.start();
  }

  #ended(held: Held, attempt: AttemptRecord): void {
    const { held: all, policy, write } = this.#o;
    try {
      const outcome = outcomeOf(attempt, policy);
      all.end(held);
      const { ending } = attempt;
      write(outcome, ending.how === "threw" ? ending.thrown : undefined);
    } catch (thrown) {
      this.#endWithoutRun(held, { type: "failed", thrown, maxAttempts: attempt.maxAttempts });
    }
    this.#left();
  }

  /** A slot is free. */
  #left(): void {
    this.#active--;
    if (this.#active === 0) this.#quiet.notify();
    this.fill();
    this.#o.onFree();
  }

  #endWithoutRun(held: Held, why: Parameters<typeof outcomeWithoutRun>[2]): void {
    const { handlers, now, policy, write } = this.#o;
    const handlerVersion = handlers.get(held.task.kind)?.version ?? "";
    this.#o.held.end(held);
    write(outcomeWithoutRun({ task: held.task, handlerVersion, finishedAt: now() }, policy, why));
  }
}

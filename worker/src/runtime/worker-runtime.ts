import type { Consumer, Heartbeat as HeartbeatAnswer } from "../adapters/redis/consumer.ts";
import type { ControlMessage } from "../adapters/redis/control.ts";
import type { KindLimiter } from "../adapters/redis/kind-limits.ts";
import type { DeliveredTask } from "../core/task.ts";
import type { LoadedHandler } from "../handlers/load-handlers.ts";
import type { Circuits } from "../ports/circuits.ts";
import type { ResultStore } from "../ports/result-store.ts";
import type { AttemptTraces } from "../tracing/tracing.ts";
import { Announcements } from "./announce.ts";
import { type CheckedPayload, Dispatcher } from "./dispatcher.ts";
import type { SecretReader } from "./handler-secrets.ts";
import { Heartbeat } from "./heartbeat.ts";
import { HeldTasks } from "./held-tasks.ts";
import { IdleWatch } from "./idle-watch.ts";
import { KindGate } from "./kind-gate.ts";
import type { Outcome, OutcomePolicy } from "./outcome.ts";
import { OutcomeWriter } from "./outcome-writer.ts";
import { Reader } from "./reader.ts";
import { type ReportedSelf, workerReport } from "./report.ts";
import { ResultSaver } from "./result-saver.ts";
import type { RuntimeEvents } from "./runtime-events.ts";
import { ThreadPool } from "./threads/thread-pool.ts";

/** Why a worker ends. `orphan`: its supervisor is gone. */
export type StopReason = "signal" | "idle" | "uptime" | "orphan";

export interface RuntimeEnd {
  readonly reason: StopReason;
  /** Every task that ran was finished and written; none had to be handed back in the middle. */
  readonly graceful: boolean;
}

/** Durations in ms. */
export interface RuntimeLimits {
  readonly concurrency: number;
  readonly batchSize: number;
  readonly pollMs: number;
  readonly heartbeatMs: number;
  readonly taskTimeoutMs: number;
  readonly maxAttempts: number;
  readonly cancelGraceMs: number;
  readonly gracefulShutdownMs: number;
  /** 0: never. */
  readonly idleExitMs: number;
  /** 0: never. */
  readonly maxUptimeMs: number;
}

export interface RuntimeOptions {
  readonly queue: Consumer;
  readonly limiter: KindLimiter;
  readonly results: ResultStore;
  readonly limits: RuntimeLimits;
  readonly handlers: ReadonlyMap<string, LoadedHandler>;
  readonly check: (task: DeliveredTask) => CheckedPayload;
  readonly policy: OutcomePolicy;
  readonly circuits: Circuits;
  readonly secrets: SecretReader;
  readonly traces: AttemptTraces;
  /** An attempt has ended so; it is not written yet. */
  readonly onEnded: (outcome: Outcome) => void;
  readonly self: ReportedSelf;
  readonly events: RuntimeEvents;
  /** Ends a read that waits at Redis. */
  readonly interrupt: () => Promise<void>;
  /** Ends what handlers have running outside this process, when there is no time to wait for them. */
  readonly killPrograms: () => void;
}

/** How much longer than its own limit a read may take to come back when the worker stops. */
const READ_SLACK_MS = 1_000;
/** For handlers to clean up after their programs were killed. */
const HURRY_MS = 500;
/** For the last outcomes to be written when time is up. */
const LAST_WRITE_MS = 5_000;

function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  return Promise.race([work.then(() => true), promise]).finally(() => clearTimeout(timer));
}

/** One worker: takes tasks, runs them, writes their outcomes, and ends in order. */
export class WorkerRuntime {
  readonly #o: RuntimeOptions;
  readonly #held = new HeldTasks();
  readonly #threads = new ThreadPool();
  readonly #gate: KindGate;
  readonly #writer: OutcomeWriter;
  readonly #dispatcher: Dispatcher;
  readonly #reader: Reader;
  readonly #heartbeat: Heartbeat;
  readonly #idle: IdleWatch;
  readonly #announcements = new Announcements();
  readonly #hurry = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<RuntimeEnd>();
  readonly #onFailure = (error: unknown): void => this.queueUnreachable(error);
  #stopping = false;
  #signalled = false;
  #uptime: NodeJS.Timeout | undefined;

  constructor(options: RuntimeOptions) {
    this.#o = options;
    const onFailure = (error: unknown) => options.events.failed("poll", error);
    this.#gate = new KindGate({ queue: options.limiter, onFailure });
    this.#writer = this.#makeWriter();
    this.#dispatcher = this.#makeDispatcher();
    this.#reader = this.#makeReader();
    this.#heartbeat = this.#makeHeartbeat();
    this.#idle = new IdleWatch(options.limits.idleExitMs, () => this.stop("idle"));
  }

  /** Resolves when the worker holds nothing any more, or has given up. */
  get ended(): Promise<RuntimeEnd> {
    return this.#ended.promise;
  }

  /** Starts reading after the first heartbeat was sent. */
  start(): void {
    const { maxUptimeMs } = this.#o.limits;
    if (maxUptimeMs > 0) this.#uptime = setTimeout(() => this.stop("uptime"), maxUptimeMs);
    this.#idle.update(true);
    this.#heartbeat.start();
    this.#reader.start();
  }

  /** Finishes what runs, within the limit. A second signal hands everything back at once. */
  stop(reason: StopReason): void {
    if (reason === "signal" && this.#signalled) this.#hurry.resolve();
    if (reason === "signal") this.#signalled = true;
    if (this.#stopping) return;
    this.#stopping = true;
    clearTimeout(this.#uptime);
    this.#idle.stop();
    const { running, prefetched } = this.#held;
    this.#o.events.shuttingDown({ reason, running, prefetched });
    void this.#drain().then((graceful) => this.#ended.resolve({ reason, graceful }));
  }

  /** A message that came between heartbeats. */
  control(message: ControlMessage): void {
    if (message.type === "cancel") this.#dispatcher.cancel([message]);
    // A pause needs no word: what a read brings during one goes back.
    else if (message.type === "resume") this.#interrupt().catch(this.#onFailure);
    else if (message.type === "announce") void this.#announce();
  }

  /** Redis does not answer. Commands wait for it by themselves, so only this tells. */
  queueUnreachable(error: unknown): void {
    this.#o.events.failed("poll", error);
    this.#idle.restart();
  }

  /** The answer of a heartbeat tells that somebody listens; then there may be news. */
  async #announce(): Promise<void> {
    await this.#heartbeat.beat();
    this.#heartbeat.announceSoon();
  }

  /** Ends a read that waits, wherever it does. */
  async #interrupt(): Promise<void> {
    this.#o.queue.wake();
    await this.#o.interrupt();
  }

  async #drain(): Promise<boolean> {
    const { gracefulShutdownMs, cancelGraceMs } = this.#o.limits;
    this.#handBackWaiting();
    void this.#heartbeat.beat();
    const finished = this.#finish();
    const hurry = this.#hurry.promise.then(() => "hurry" as const);
    const first = await Promise.race([within(gracefulShutdownMs, finished), hurry]);
    const graceful = first === true;
    if (!graceful) {
      this.#dispatcher.abortAll("stopping");
      // The attempts' own grace bounds the wait.
      const obeyed = within(cancelGraceMs + HURRY_MS, this.#dispatcher.settled());
      if (first === "hurry" || (await Promise.race([obeyed, hurry])) === "hurry") {
        this.#o.killPrograms();
        await within(HURRY_MS, this.#dispatcher.settled());
        this.#dispatcher.forceAll();
      }
      await within(LAST_WRITE_MS, finished);
    }
    this.#writer.stop();
    this.#heartbeat.stop();
    await this.#threads.close();
    this.#o.events.flush();
    return graceful;
  }

  async #finish(): Promise<void> {
    const { pollMs } = this.#o.limits;
    await this.#reader.stop(pollMs + READ_SLACK_MS);
    await this.#dispatcher.settled();
    await this.#writer.drained();
    await this.#gate.drained();
  }

  /** Tasks that wait here for a slot need not wait for the worker's end. */
  #handBackWaiting(): void {
    for (const held of this.#dispatcher.close()) {
      this.#held.end(held);
      this.#writer.add({ type: "release", task: held.task });
    }
  }

  #changed(): void {
    this.#idle.update(this.#held.size === 0);
    this.#reader.wake();
  }

  #takeIn(tasks: readonly DeliveredTask[]): void {
    for (const task of tasks) this.#held.add(task);
    if (this.#stopping) this.#handBackWaiting();
    else this.#dispatcher.fill();
    this.#idle.update(this.#held.size === 0);
  }

  #heed({ lost, cancelled }: HeartbeatAnswer): void {
    this.#dispatcher.lose(lost);
    if (cancelled.length > 0) this.#dispatcher.cancel(cancelled);
  }

  #makeWriter(): OutcomeWriter {
    const { queue, results: store, events, traces } = this.#o;
    const saver = new ResultSaver({
      ...{ store, queue },
      onUnsaved: ({ task }, failure) => events.unsaved(task, failure),
      onFailure: (error) => events.failed("result", error),
    });
    return new OutcomeWriter({
      queue: {
        settle: (items) => saver.settle(items),
        retry: (items) => queue.retry(items),
        bury: (items) => queue.bury(items),
        release: (tasks) => queue.release(tasks),
      },
      onWritten: (task, accepted) => {
        this.#held.remove(task);
        this.#gate.ended(task);
        traces.written(task, accepted);
        if (!accepted) events.refused(task);
        this.#changed();
      },
      onFailure: (error) => events.failed("settle", error),
    });
  }

  #makeDispatcher(): Dispatcher {
    const { limits, handlers, check, policy, circuits, secrets, traces, events } = this.#o;
    return new Dispatcher({
      held: this.#held,
      handlers,
      check,
      gate: this.#gate,
      concurrency: limits.concurrency,
      defaults: { timeoutMs: limits.taskTimeoutMs, maxAttempts: limits.maxAttempts },
      graceMs: limits.cancelGraceMs,
      policy,
      threads: this.#threads,
      circuits,
      secrets,
      traces,
      now: Date.now,
      elapsed: () => performance.now(),
      write: (outcome, thrown) => {
        traces.ended(outcome, thrown);
        this.#o.onEnded(outcome);
        events.ended(outcome);
        this.#writer.add(outcome);
      },
      onStart: (task) => {
        events.dispatched(task);
        if (this.#o.queue.isHeard(task.stream)) this.#heartbeat.announceSoon();
      },
      onProgress: ({ stream }) => {
        if (this.#o.queue.isFollowed(stream)) this.#heartbeat.announceSoon();
      },
      onFree: () => this.#changed(),
      log: (task, event, fields) => events.fromHandler(task, event, fields),
    });
  }

  #makeReader(): Reader {
    const { queue, limits, events } = this.#o;
    const held = this.#held;
    return new Reader({
      queue,
      concurrency: limits.concurrency,
      batchSize: limits.batchSize,
      blockMs: limits.pollMs,
      interrupt: () => this.#interrupt(),
      load: () => ({ held: held.running + held.prefetched, meanRunMs: this.#dispatcher.meanRunMs }),
      onTasks: (tasks) => this.#takeIn(tasks),
      onPoll: (count) => events.polled({ count, running: held.running, prefetched: held.prefetched }),
      onFailure: this.#onFailure,
    });
  }

  #makeHeartbeat(): Heartbeat {
    const { queue, limits, self } = this.#o;
    return new Heartbeat({
      queue,
      everyMs: limits.heartbeatMs,
      tasks: () => this.#held.all().map(({ task }) => task),
      report: () => workerReport(self, this.#held, limits.concurrency, this.#stopping),
      news: () => this.#announcements.news(this.#held.all(), (stream) => queue.isHeard(stream)),
      onTold: (news) => this.#announcements.told(news),
      onAnswer: (answer) => this.#heed(answer),
      onFailure: this.#onFailure,
    });
  }
}

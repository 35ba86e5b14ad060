import type { Redis } from "ioredis";
import { priorityStreams } from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, queueKeys } from "../../../contract/queue-keys.ts";
import type {
  AttemptError,
  AttemptStatus,
  ResultRecord,
  TaskProgress,
  WorkerReport,
} from "../../../contract/records.ts";
import type { ResultBackEnd } from "../../../contract/results.ts";
import { attemptLabels, runtimeBucket, STATS } from "../../../contract/stats-fields.ts";
import type { DeliveredTask, EntryPlace } from "../../core/task.ts";
import { deadLetterMessage, deadLetterPrefix } from "./dead-letters.ts";
import { GroupReader } from "./group-reader.ts";
import { RecordedQueues } from "./recorded-queues.ts";
import { SCRIPTS, type ScriptArgument } from "./scripts.ts";
import { settleCounts } from "./settle-counts.ts";
import { type StreamPart, streamParts } from "./stream-parts.ts";
import { announcementTold, failuresTold } from "./told.ts";

export interface ConsumerOptions {
  /** For scripts (profile `command`). */
  readonly redis: Redis;
  /** For blocking reads (profile `blocking`). */
  readonly blocking: Redis;
  /** Streams to read; reports go to the first. */
  readonly streams: readonly string[];
  /** The consumer's name; unique per process start, for it is part of the fence. */
  readonly workerId: string;
  readonly resultTtlSeconds: number;
}

export interface SettleItem {
  readonly task: DeliveredTask;
  readonly result: ResultRecord;
  readonly runtimeMs: number;
  /** What Redis keeps of the result. Default: all of it. */
  readonly text?: string;
  /** The back end that could not keep what the task returned. */
  readonly unsaved?: ResultBackEnd;
}
export interface FailedItem {
  readonly task: DeliveredTask;
  readonly error: AttemptError;
  readonly runtimeMs: number;
}
export interface RetryItem extends FailedItem {
  readonly delayMs: number;
}

/** What the record and sessions are to know of held tasks. */
export interface Announcement {
  /** When the handlers of these were called, in ms since the epoch. */
  readonly began: ReadonlyMap<DeliveredTask, number>;
  readonly progress: ReadonlyMap<DeliveredTask, TaskProgress>;
}
const NOTHING: Announcement = { began: new Map(), progress: new Map() };

export interface Heartbeat {
  /** Entries that are no longer this worker's: stop their tasks, their ends would be refused. */
  readonly lost: readonly EntryPlace[];
  /** Tasks that were asked to stop. */
  readonly cancelled: readonly { readonly stream: string; readonly id: string }[];
  /** Whether any of the streams is paused. */
  readonly paused: boolean;
}

/** How long an entry of a newer format is held back, so that old workers alone do not pass it round and round. */
const NEWER_VERSION_DELAY_MS = 5_000;

/**
 * A worker's side of the queue. Every end of a task is fenced: a result by its entry, which must be pending yet, all
 * others by consumer name and delivery count; `false` in an answer means refused: the task was taken back meanwhile and
 * is another's. Repeating a call whose answer
 * was lost is safe; all but `release` then answer as before.
 */
export class Consumer {
  readonly #o: ConsumerOptions;
  readonly #reader: GroupReader;
  readonly #recorded = new RecordedQueues();

  constructor(options: ConsumerOptions) {
    this.#o = options;
    this.#reader = new GroupReader(options, this.#recorded);
  }

  /**
   * Takes up to `count` tasks (a little more when it is less than the number of streams) and waits up to
   * `blockMs` for the first. Empty while every stream is paused. Entries of a newer format are handed back.
   */
  async read(count: number, blockMs: number): Promise<DeliveredTask[]> {
    const tasks: DeliveredTask[] = [];
    for (const { entries, paused } of await this.#reader.read(count, blockMs)) {
      const known: DeliveredTask[] = [];
      const newer: HandBack[] = [];
      for (const read of entries) {
        if (read.newer) newer.push(read.task);
        else known.push(read.task);
      }
      if (newer.length > 0) await this.#handBack(newer, STATS.newerVersion, NEWER_VERSION_DELAY_MS);
      if (paused) await this.release(known);
      else tasks.push(...known);
    }
    return tasks;
  }

  /** Ends a read that waits because every stream is paused; one that waits at Redis goes on. */
  wake(): void {
    this.#reader.wake();
  }

  /** Whether anybody wants to know what runs of this queue, the record or a session, as its last answer said. */
  isHeard(stream: string): boolean {
    return this.#recorded.has(stream) || this.#recorded.isFollowed(stream);
  }

  /** Whether sessions are open that may follow this queue's tasks, as its last answer said. */
  isFollowed(stream: string): boolean {
    return this.#recorded.isFollowed(stream);
  }

  /**
   * Renews the lease of the given tasks and stores the worker's report with the first queue. What is announced of tasks
   * that are not given or not this worker's any more is not told.
   */
  async heartbeat(
    tasks: readonly DeliveredTask[],
    report: WorkerReport,
    announcement: Announcement = NOTHING,
  ): Promise<Heartbeat> {
    const held = streamParts(tasks, (task) => task);
    const first = this.#o.streams[0];
    // The report goes by a call of its own: the first queue may have nothing held.
    const calls = this.#o.streams.map((queue) => {
      const text = queue === first ? JSON.stringify(report) : "";
      return this.#heartbeatOf({ queue, priority: "normal", stream: queue, items: [] }, text, NOTHING);
    });
    const beats = await Promise.all([
      ...calls,
      ...held.map((part) => this.#heartbeatOf(part, "", announcement)),
    ]);
    return {
      lost: beats.flatMap(({ lost }) => lost),
      cancelled: beats.flatMap((beat) => beat.cancelled),
      paused: beats.some((beat) => beat.paused),
    };
  }

  /** Ends tasks with a result. */
  async settle(items: readonly SettleItem[]): Promise<boolean[]> {
    return this.#perStream(items, ({ queue, stream, items: part }) => {
      const { index, cancelled, stats, results, settledChannel } = queueKeys(queue);
      const { groups, ...own } = settleCounts(part, this.#recorded.has(queue));
      const args: ScriptArgument[] = [CONSUMER_GROUP, settledChannel, results, this.#o.resultTtlSeconds];
      args.push(JSON.stringify(groups), JSON.stringify(own));
      for (const { task } of part) args.push(task.entryId);
      for (const { task } of part) args.push(task.id);
      for (const { result, text } of part) args.push(text ?? JSON.stringify(result));
      return this.#ended("settle", [stream, index, cancelled, stats], args);
    });
  }

  /** Puts failed tasks back with one more attempt, due after `delayMs` (0: at once). */
  async retry(items: readonly RetryItem[]): Promise<boolean[]> {
    return this.#perStream(items, ({ queue, stream, items: part }) => {
      const { index, cancelled, stats, due, dueEntries, results, settledChannel } = queueKeys(queue);
      const told = this.#recorded.has(queue) ? failuresTold(this.#o.workerId, part) : "";
      const args: ScriptArgument[] = [settledChannel, told];
      for (const { task, error, delayMs, runtimeMs } of part) {
        const errors = JSON.stringify([...task.errors, error]);
        args.push(task.entryId, task.deliveryCount, task.id, task.attempts + 1, errors, Math.round(delayMs));
        args.push(...attemptArguments(task, "retry", runtimeMs), `${task.kind}:${error.reason}`);
      }
      const ids = part.map(({ task }) => results + task.id);
      return this.#fenced("retry", [stream, index, cancelled, stats, due, dueEntries, ...ids], args);
    });
  }

  /** Moves failed tasks to the dead-letter queue, with their error history. */
  async bury(items: readonly FailedItem[]): Promise<boolean[]> {
    return this.#perStream(items, ({ queue, stream, items: part }) => {
      const { index, cancelled, stats, deadLetters, deadLetterOrder, requeued, results, settledChannel } =
        queueKeys(queue);
      const keys = [stream, index, cancelled, stats, deadLetters, deadLetterOrder, requeued];
      keys.push(...part.map(({ task }) => results + task.id));
      const told = this.#recorded.has(queue) ? failuresTold(this.#o.workerId, part, deadLetterMessage) : "";
      const args: ScriptArgument[] = [settledChannel, told];
      for (const { task, error, runtimeMs } of part) {
        args.push(task.entryId, task.deliveryCount, task.id, task.kind);
        args.push(...attemptArguments(task, "dead", runtimeMs), `${task.kind}:${error.reason}`);
        args.push(task.attempts + 1, deadLetterPrefix(task, error));
      }
      return this.#fenced("bury", keys, args);
    });
  }

  /** Hands tasks back unrun: to the tail, with attempts and deliveries as they were. */
  async release(tasks: readonly DeliveredTask[]): Promise<boolean[]> {
    return this.#handBack(tasks, STATS.released, 0);
  }

  /** Forgets report and consumer, unless it still holds tasks. Connections stay open. */
  async close(): Promise<void> {
    const { redis, workerId, streams } = this.#o;
    await Promise.all(
      streams.map((queue) => {
        const { workers, workersSeen } = queueKeys(queue);
        const keys = [workers, workersSeen, ...priorityStreams(queue)];
        return SCRIPTS.forgetConsumer.run(redis, keys, [CONSUMER_GROUP, workerId]);
      }),
    );
  }

  async #heartbeatOf(
    part: StreamPart<DeliveredTask>,
    report: string,
    announcement: Announcement,
  ): Promise<Heartbeat> {
    const { queue, priority, stream, items } = part;
    const { cancelled, paused, workers, workersSeen, stats } = queueKeys(queue);
    const { workerId, redis } = this.#o;
    const told = this.isHeard(queue) ? announcementTold(workerId, items, announcement) : "";
    const args: ScriptArgument[] = [CONSUMER_GROUP, workerId, report, told];
    for (const task of items) args.push(task.entryId, task.deliveryCount, task.id);
    const keys = [stream, cancelled, paused, workers, workersSeen, stats];
    const answer = await SCRIPTS.heartbeat.run(redis, keys, args);
    const [lost, asked, switches] = answer as [string[], string[], number];
    return {
      lost: lost.map((entryId) => ({ stream: queue, priority, entryId })),
      cancelled: asked.map((id) => ({ stream: queue, id })),
      paused: this.#recorded.note(queue, switches),
    };
  }

  async #perStream<Item extends { readonly task: HandBack }>(
    items: readonly Item[],
    end: (part: StreamPart<Item>) => Promise<boolean[]>,
  ): Promise<boolean[]> {
    const answers = new Map<Item, boolean>();
    const calls = streamParts(items, ({ task }) => task).map(async (part) => {
      const done = await end(part);
      part.items.forEach((item, i) => {
        answers.set(item, done[i] === true);
      });
    });
    await Promise.all(calls);
    return items.map((item) => answers.get(item) === true);
  }

  async #fenced(
    script: "retry" | "bury" | "release",
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<boolean[]> {
    return this.#ended(script, keys, [CONSUMER_GROUP, this.#o.workerId, ...args]);
  }

  async #ended(script: keyof typeof SCRIPTS, keys: readonly string[], args: readonly ScriptArgument[]) {
    const digits = await SCRIPTS[script].run(this.#o.redis, keys, args);
    return Array.from(String(digits), (digit) => digit === "1");
  }

  #handBack(tasks: readonly HandBack[], counter: string, delayMs: number): Promise<boolean[]> {
    const items = tasks.map((task) => ({ task }));
    return this.#perStream(items, ({ queue, stream, items: part }) => {
      const { index, cancelled, stats, due, dueEntries, results, settledChannel } = queueKeys(queue);
      const args: ScriptArgument[] = [settledChannel, counter, delayMs];
      for (const { task } of part) args.push(task.entryId, task.deliveryCount, task.id);
      const ids = part.map(({ task }) => results + task.id);
      return this.#fenced("release", [stream, index, cancelled, stats, due, dueEntries, ...ids], args);
    });
  }
}

/** What the fence of a hand-back needs. */
type HandBack = EntryPlace & Pick<DeliveredTask, "deliveryCount" | "id">;

/** Labels, histogram bucket and run time as the scripts count them. A handler is named by its kind. */
function attemptArguments(task: DeliveredTask, status: AttemptStatus, runtimeMs: number): ScriptArgument[] {
  return [attemptLabels(task.kind, task.kind, status), runtimeBucket(runtimeMs), runtimeMs.toFixed(3)];
}

import type { Redis } from "ioredis";
import { CONSUMER_GROUP, queueKeys } from "../../../contract/queue-keys.ts";
import type { AttemptError, AttemptStatus, ResultRecord, WorkerReport } from "../../../contract/records.ts";
import { attemptLabels, runtimeBucket, STATS } from "../../../contract/stats-fields.ts";
import type { DeliveredTask } from "../../core/task.ts";
import { deadLetterPrefix } from "./dead-letters.ts";
import { FIRST_DELIVERY, readEntry } from "./entry.ts";
import { GroupReader } from "./group-reader.ts";
import { SCRIPTS, type ScriptArgument } from "./scripts.ts";

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
}
export interface FailedItem {
  readonly task: DeliveredTask;
  readonly error: AttemptError;
  readonly runtimeMs: number;
}
export interface RetryItem extends FailedItem {
  readonly delayMs: number;
}

export interface Heartbeat {
  /** Entries that are no longer this worker's: stop their tasks, their ends would be refused. */
  readonly lost: readonly { readonly stream: string; readonly entryId: string }[];
  /** Tasks that were asked to stop. */
  readonly cancelled: readonly { readonly stream: string; readonly id: string }[];
  /** Whether any of the streams is paused. */
  readonly paused: boolean;
}

/** How long an entry of a newer format is held back, so that old workers alone do not pass it round and round. */
const NEWER_VERSION_DELAY_MS = 5_000;

/**
 * A worker's side of the queue. Every end of a task is fenced by consumer name and delivery count; `false`
 * in an answer means refused: the task was taken back meanwhile and is another's. Repeating a call whose answer
 * was lost is safe; all but `release` then answer as before.
 */
export class Consumer {
  readonly #o: ConsumerOptions;
  readonly #reader: GroupReader;

  constructor(options: ConsumerOptions) {
    this.#o = options;
    this.#reader = new GroupReader(options);
  }

  /**
   * Takes up to `count` tasks (a little more when it is less than the number of streams) and waits up to
   * `blockMs` for the first. Empty while every stream is paused. Entries of a newer format are handed back.
   */
  async read(count: number, blockMs: number): Promise<DeliveredTask[]> {
    const tasks: DeliveredTask[] = [];
    for (const { stream, entries, paused } of await this.#reader.read(count, blockMs)) {
      const known: DeliveredTask[] = [];
      const newer: HandBack[] = [];
      for (const [entryId, fields] of entries) {
        if (fields === null) continue;
        const read = readEntry(stream, entryId, fields);
        if (read.newer) newer.push({ stream, entryId, id: read.id, deliveryCount: FIRST_DELIVERY });
        else known.push(read.task);
      }
      if (newer.length > 0) await this.#handBack(stream, newer, STATS.newerVersion, NEWER_VERSION_DELAY_MS);
      if (paused) await this.release(known);
      else tasks.push(...known);
    }
    return tasks;
  }

  /** Ends a read that waits because every stream is paused; one that waits at Redis goes on. */
  wake(): void {
    this.#reader.wake();
  }

  /** Renews the lease of the given tasks and stores the worker's report with the first stream. */
  async heartbeat(tasks: readonly DeliveredTask[], report: WorkerReport): Promise<Heartbeat> {
    const text = JSON.stringify(report);
    const beats = await Promise.all(
      this.#o.streams.map(async (stream, i) => {
        const { cancelled, paused, workers, workersSeen, stats } = queueKeys(stream);
        const args: ScriptArgument[] = [CONSUMER_GROUP, this.#o.workerId, i === 0 ? text : ""];
        for (const task of tasks) {
          if (task.stream === stream) args.push(task.entryId, task.deliveryCount, task.id);
        }
        const keys = [stream, cancelled, paused, workers, workersSeen, stats];
        const answer = await SCRIPTS.heartbeat.run(this.#o.redis, keys, args);
        const [lost, asked, isPaused] = answer as [string[], string[], number];
        return {
          lost: lost.map((entryId) => ({ stream, entryId })),
          cancelled: asked.map((id) => ({ stream, id })),
          paused: isPaused === 1,
        };
      }),
    );
    return {
      lost: beats.flatMap(({ lost }) => lost),
      cancelled: beats.flatMap((beat) => beat.cancelled),
      paused: beats.some((beat) => beat.paused),
    };
  }

  /** Ends tasks with a result. */
  async settle(items: readonly SettleItem[]): Promise<boolean[]> {
    return this.#perStream(items, (stream, part) => {
      const { index, cancelled, stats, results, settledChannel } = queueKeys(stream);
      const args: ScriptArgument[] = [settledChannel, this.#o.resultTtlSeconds];
      for (const { task, result, runtimeMs } of part) {
        const reason = result.error === undefined ? "" : `${task.kind}:${result.error.reason}`;
        args.push(task.entryId, task.deliveryCount, task.id, task.kind);
        args.push(...attemptArguments(task, result.status, runtimeMs), reason, JSON.stringify(result));
      }
      const keys = [stream, index, cancelled, stats, ...part.map(({ task }) => results + task.id)];
      return this.#fenced("settle", keys, args);
    });
  }

  /** Puts failed tasks back with one more attempt, due after `delayMs` (0: at once). */
  async retry(items: readonly RetryItem[]): Promise<boolean[]> {
    return this.#perStream(items, (stream, part) => {
      const { index, cancelled, stats, due, dueEntries, results, settledChannel } = queueKeys(stream);
      const args: ScriptArgument[] = [settledChannel];
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
    return this.#perStream(items, (stream, part) => {
      const { index, cancelled, stats, deadLetters, deadLetterOrder, requeued, results, settledChannel } =
        queueKeys(stream);
      const keys = [stream, index, cancelled, stats, deadLetters, deadLetterOrder, requeued];
      keys.push(...part.map(({ task }) => results + task.id));
      const args: ScriptArgument[] = [settledChannel];
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
    const items = tasks.map((task) => ({ task }));
    return this.#perStream(items, (stream, part) => {
      const backs = part.map(({ task }) => task);
      return this.#handBack(stream, backs, STATS.released, 0);
    });
  }

  /** Forgets report and consumer, unless it still holds tasks. Connections stay open. */
  async close(): Promise<void> {
    await Promise.all(
      this.#o.streams.map((stream) => {
        const { workers, workersSeen } = queueKeys(stream);
        const args = [CONSUMER_GROUP, this.#o.workerId];
        return SCRIPTS.forgetConsumer.run(this.#o.redis, [stream, workers, workersSeen], args);
      }),
    );
  }

  async #perStream<Item extends { readonly task: DeliveredTask }>(
    items: readonly Item[],
    end: (stream: string, part: readonly Item[]) => Promise<boolean[]>,
  ): Promise<boolean[]> {
    const answers = new Map<Item, boolean>();
    const calls = partition(items).map(async ([stream, part]) => {
      const done = await end(stream, part);
      part.forEach((item, i) => {
        answers.set(item, done[i] === true);
      });
    });
    await Promise.all(calls);
    return items.map((item) => answers.get(item) === true);
  }

  async #fenced(
    script: "settle" | "retry" | "bury" | "release",
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<boolean[]> {
    const fence = [CONSUMER_GROUP, this.#o.workerId];
    const digits = await SCRIPTS[script].run(this.#o.redis, keys, [...fence, ...args]);
    return Array.from(String(digits), (digit) => digit === "1");
  }

  #handBack(stream: string, backs: readonly HandBack[], counter: string, delayMs: number) {
    const { index, cancelled, stats, due, dueEntries, results, settledChannel } = queueKeys(stream);
    const args: ScriptArgument[] = [settledChannel, counter, delayMs];
    for (const { entryId, deliveryCount, id } of backs) args.push(entryId, deliveryCount, id);
    const ids = backs.map(({ id }) => results + id);
    return this.#fenced("release", [stream, index, cancelled, stats, due, dueEntries, ...ids], args);
  }
}

/** What the fence of a hand-back needs. */
type HandBack = Pick<DeliveredTask, "stream" | "entryId" | "deliveryCount" | "id">;

/** Most tasks that end in one script call. */
const CHUNK = 500;

function partition<Item extends { readonly task: DeliveredTask }>(
  items: readonly Item[],
): [string, Item[]][] {
  const parts: [string, Item[]][] = [];
  for (const [stream, all] of Map.groupBy(items, ({ task }) => task.stream)) {
    for (let from = 0; from < all.length; from += CHUNK) parts.push([stream, all.slice(from, from + CHUNK)]);
  }
  return parts;
}

/** Labels, histogram bucket and run time as the scripts count them. A handler is named by its kind. */
function attemptArguments(task: DeliveredTask, status: AttemptStatus, runtimeMs: number): ScriptArgument[] {
  return [attemptLabels(task.kind, task.kind, status), runtimeBucket(runtimeMs), runtimeMs.toFixed(3)];
}

import type { Redis } from "ioredis";
import {
  DEFAULT_PRIORITY,
  type Priority,
  priorityStream,
  priorityStreams,
} from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import {
  PayloadTooLargeError,
  QueueFullError,
  RedisUnavailableError,
  UnconfirmedError,
} from "../../core/errors.ts";
import type { NewTask, TaskOptions } from "../../core/task.ts";
import { newTaskId } from "../../core/task-id.ts";
import { taskText } from "./entry.ts";
import { type Replicated, ReplicaWait } from "./replica-wait.ts";
import { SCRIPTS } from "./scripts.ts";

/** What became of a pushed task. `duplicate`: its id was known already, nothing was done. */
export interface Enqueued {
  readonly id: string;
  readonly state: "waiting" | "delayed" | "duplicate";
}

/**
 * `cancelled`: it will not run and has a result; `requested`: it runs and was asked to stop; `settled`: it had
 * ended, also among the dead letters; `unknown`: no such task.
 */
export type CancelState = "cancelled" | "requested" | "settled" | "unknown";

export interface ProducerOptions {
  /** How long the result of a cancelled task is kept, in s. */
  readonly resultTtlSeconds: number;
  /** Cap on a payload's JSON text, in bytes. */
  readonly maxPayloadBytes: number;
  /** Pushes return when a replica has them. Default: when the master has. */
  readonly replicated?: Replicated | undefined;
}

const ENQUEUE_STATES = ["duplicate", "waiting", "delayed"] as const;
const CANCEL_STATES = ["unknown", "cancelled", "requested", "settled"] as const;

/** Most tasks and payload bytes that travel in one script call, so that no call blocks Redis for long. */
const CHUNK_TASKS = 500;
const CHUNK_BYTES = 4 * 1024 * 1024;

interface PackedTask {
  readonly id: string;
  readonly kind: string;
  readonly payload: string;
  readonly options: string;
  readonly priority: Priority;
  readonly delayMs: number;
  /** The id was made here. */
  readonly fresh: boolean;
}

/** Pushes tasks to one stream and cancels them. */
export class Producer {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;
  readonly #options: ProducerOptions;
  readonly #replicas: ReplicaWait | undefined;

  constructor(redis: Redis, stream: string, options: ProducerOptions) {
    this.#redis = redis;
    this.#keys = queueKeys(stream);
    this.#options = options;
    const { replicated } = options;
    this.#replicas = replicated && new ReplicaWait(redis, stream, replicated);
  }

  /** Creates streams and their consumer groups where they are missing. Also works while memory is full. */
  async ensureGroup(): Promise<void> {
    const ensure = (key: string) => SCRIPTS.ensureGroup.run(this.#redis, [key], [CONSUMER_GROUP]);
    await Promise.all(priorityStreams(this.#keys.stream).map(ensure));
  }

  /**
   * Pushes tasks and tells, in their order, what became of each. A known id is left alone, so a push may be
   * repeated with the same ids. Up to 500 tasks (4 MiB) of one priority are taken all or none; a larger push goes in such
   * parts, and when one fails the error's `enqueued` lists the ids of the parts that are in.
   * `texts`: the payloads' JSON texts, where they are at hand.
   * Throws `PayloadTooLargeError` (then nothing is pushed), `QueueFullError`, `RedisUnavailableError`; where pushes are
   * replicated, `NoReplicaError` (nothing is pushed) and `UnconfirmedError` (all are stored).
   */
  async enqueue(tasks: readonly NewTask[], texts?: readonly string[]): Promise<Enqueued[]> {
    const packed = tasks.map((task, i) => this.#pack(task, texts?.[i]));
    if (this.#replicas === undefined) return this.#enqueue(packed);
    const { value, confirmed } = await this.#replicas.confirmed(() => this.#enqueue(packed));
    if (confirmed) return value;
    throw new UnconfirmedError(
      value.map(({ id }) => id),
      this.#replicas.timeoutMs,
    );
  }

  async #enqueue(packed: readonly PackedTask[]): Promise<Enqueued[]> {
    const parts = [...Map.groupBy(packed, ({ priority }) => priority).values()].flatMap(chunk);
    const states = new Map<PackedTask, Enqueued>();
    const answers = await Promise.allSettled(parts.map((part) => this.#enqueuePart(part, states)));
    const failure = answers.find((answer) => answer.status === "rejected");
    const enqueued = packed.flatMap((task) => states.get(task) ?? []);
    if (failure === undefined) return enqueued;
    throw this.#translate(
      failure.reason,
      enqueued.map(({ id }) => id),
    );
  }

  /** Cancels tasks by id; states in the order of the ids. */
  async cancel(ids: readonly string[]): Promise<CancelState[]> {
    if (ids.length === 0) return [];
    const { stream, index, cancelled, stats, due, dueEntries, deadLetters, results } = this.#keys;
    const keys = [stream, index, cancelled, stats, due, dueEntries, deadLetters];
    const states = await SCRIPTS.cancel.run(
      this.#redis,
      [...keys, ...ids.map((id) => results + id)],
      [
        CONSUMER_GROUP,
        this.#options.resultTtlSeconds,
        this.#keys.settledChannel,
        this.#keys.controlChannel,
        this.#keys.parked,
        ...ids,
      ],
    );
    return Array.from(String(states), (digit) => CANCEL_STATES[Number(digit)] ?? "unknown");
  }

  #pack(task: NewTask, payload: string = JSON.stringify(task.payload)): PackedTask {
    const bytes = Buffer.byteLength(payload);
    if (bytes > this.#options.maxPayloadBytes) {
      throw new PayloadTooLargeError(bytes, this.#options.maxPayloadBytes);
    }
    return {
      id: task.id ?? newTaskId(),
      kind: task.kind,
      payload,
      options: packOptions(task),
      priority: task.priority ?? DEFAULT_PRIORITY,
      delayMs: Math.round(task.delayMs ?? 0),
      fresh: task.id === undefined,
    };
  }

  async #enqueuePart(part: readonly PackedTask[], into: Map<PackedTask, Enqueued>): Promise<void> {
    const { stream, index, due, dueEntries, deadLetterOrder, stats, results } = this.#keys;
    const priority = part[0]?.priority ?? DEFAULT_PRIORITY;
    const keys = [priorityStream(stream, priority), index, due, dueEntries, deadLetterOrder, stats];
    const args = [results, JSON.stringify(runs(part))];
    for (const { id, kind, payload } of part) args.push(id, taskText(id, kind, payload));
    const states = String(await SCRIPTS.enqueue.run(this.#redis, keys, args));
    part.forEach((task, i) => {
      into.set(task, { id: task.id, state: enqueuedState(task, states[i]) });
    });
  }

  #translate(error: unknown, enqueued: readonly string[]): unknown {
    if (error instanceof RedisUnavailableError) return error.withEnqueued(enqueued);
    if (isMemoryFull(error)) return new QueueFullError(this.#keys.stream, { cause: error, enqueued });
    return error;
  }
}

/** Whether Redis refused a command because it is at `maxmemory`. */
export function isMemoryFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("OOM");
}

/** A fresh id is only known when the call was sent again because its answer was lost: the task is in. */
function enqueuedState({ fresh, delayMs }: PackedTask, digit: string | undefined): Enqueued["state"] {
  const state = ENQUEUE_STATES[Number(digit)] ?? "duplicate";
  if (state !== "duplicate" || !fresh) return state;
  return delayMs > 0 ? "delayed" : "waiting";
}

function packOptions(task: NewTask): string {
  const { timeoutMs, maxAttempts, agentId, traceparent, tracestate } = task;
  const priority = task.priority === DEFAULT_PRIORITY ? undefined : task.priority;
  const isPlain = timeoutMs === undefined && maxAttempts === undefined && priority === undefined;
  if (isPlain && agentId === undefined && traceparent === undefined) return "";
  return JSON.stringify({ timeoutMs, maxAttempts, priority, agentId, traceparent, tracestate } satisfies {
    [Name in keyof TaskOptions]-?: TaskOptions[Name] | undefined;
  });
}

/** Tasks that differ in id and payload only, as `enqueue.lua` wants them; `fresh` is 1 when their ids were made here. */
type Run = [kind: string, options: string, delayMs: number, length: number, fresh: 0 | 1];

function runs(tasks: readonly PackedTask[]): Run[] {
  const found: Run[] = [];
  let last: PackedTask | undefined;
  for (const task of tasks) {
    const { kind, options, delayMs, fresh } = task;
    const run = found.at(-1);
    const alike =
      last?.kind === kind && last.options === options && last.delayMs === delayMs && last.fresh === fresh;
    if (run !== undefined && alike) run[3]++;
    else found.push([kind, options, delayMs, 1, fresh ? 1 : 0]);
    last = task;
  }
  return found;
}

function chunk(tasks: readonly PackedTask[]): PackedTask[][] {
  const parts: PackedTask[][] = [];
  let part: PackedTask[] = [];
  let bytes = 0;
  for (const task of tasks) {
    const size = task.payload.length;
    if (part.length > 0 && (part.length === CHUNK_TASKS || bytes + size > CHUNK_BYTES)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(task);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

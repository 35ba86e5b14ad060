import type { Redis } from "ioredis";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../worker/contract/queue-keys.ts";
import type { AttemptError, ResultRecord, WorkerReport } from "../../worker/contract/records.ts";
import { outputsIn } from "../../worker/src/adapters/files/outputs.ts";
import { type ConnectionProfile, createConnection } from "../../worker/src/adapters/redis/connection.ts";
import { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import { DeadLetters } from "../../worker/src/adapters/redis/dead-letters.ts";
import { readEntry } from "../../worker/src/adapters/redis/entry.ts";
import { Keeper } from "../../worker/src/adapters/redis/keeper.ts";
import { Producer } from "../../worker/src/adapters/redis/producer.ts";
import { Results } from "../../worker/src/adapters/redis/results.ts";
import { Workers } from "../../worker/src/adapters/redis/workers.ts";
import type { DeliveredTask, NewTask } from "../../worker/src/core/task.ts";
import { startRedis, type TestRedis } from "./redis-server.ts";

export const RESULT_TTL_SECONDS = 600;
/** Long enough to find what is there, short enough to find nothing. */
export const BLOCK_MS = 20;
/** A lease that everyone has lost. */
export const LEASE_OVER = { leaseMs: 0, maxDeliveries: 5 };

/** A queue of its own on a shared server: every part, and connections that `close` ends. */
export interface TestQueue {
  readonly server: TestRedis;
  readonly stream: string;
  readonly keys: QueueKeys;
  /** The connection that the parts share. */
  readonly redis: Redis;
  readonly subscriber: Redis;
  readonly producer: Producer;
  readonly results: Results;
  readonly keeper: Keeper;
  readonly letters: DeadLetters;
  readonly workers: Workers;
  connect(profile: ConnectionProfile): Redis;
  consumer(workerId: string, streams?: readonly string[]): Consumer;
  /** Pushes one task of kind `k` (by default) and returns its id. */
  push(task?: Partial<NewTask>): Promise<string>;
  /** Takes exactly one task. */
  take(consumer: Consumer): Promise<DeliveredTask>;
  stats(): Promise<Record<string, string>>;
  close(): void;
}

/** Id of the task that an entry holds; what has none of its own is known by its entry's. */
export function idIn(entryId: string, fields: readonly string[]): string {
  return readEntry({ stream: "", priority: "normal", entryId }, fields).task.id;
}

let queues = 0;

export function openQueue(server: TestRedis, stream: string = `queue-${process.pid}-${queues++}`): TestQueue {
  const open: Redis[] = [];
  const connect = (profile: ConnectionProfile) => {
    const made = createConnection({ url: server.url, password: "", profile, name: `test-${profile}` });
    open.push(made);
    return made;
  };
  const redis = connect("command");
  const subscriber = connect("subscriber");
  const producer = new Producer(redis, stream, {
    resultTtlSeconds: RESULT_TTL_SECONDS,
    maxPayloadBytes: 8_000_000,
  });
  return {
    server,
    stream,
    keys: queueKeys(stream),
    redis,
    subscriber,
    producer,
    results: new Results(redis, subscriber, stream, outputsIn("")),
    keeper: new Keeper(redis, stream),
    letters: new DeadLetters(redis, stream),
    workers: new Workers(redis, stream),
    connect,
    consumer: (workerId, streams = [stream]) =>
      new Consumer({
        redis,
        blocking: connect("blocking"),
        streams,
        workerId,
        resultTtlSeconds: RESULT_TTL_SECONDS,
      }),
    push: async (task = {}) => {
      const [pushed] = await producer.enqueue([{ kind: "k", payload: { n: 1 }, ...task }]);
      if (pushed === undefined) throw new Error("nothing was pushed");
      return pushed.id;
    },
    take: async (consumer) => {
      const tasks = await consumer.read(1, BLOCK_MS);
      const [task] = tasks;
      if (task === undefined || tasks.length > 1) throw new Error(`took ${tasks.length} tasks, not 1`);
      return task;
    },
    stats: () => redis.hgetall(queueKeys(stream).stats),
    close: () => {
      for (const connection of open) connection.disconnect();
    },
  };
}

/** Gives every test of a suite a queue of its own; the suite's tests share one server. */
export function withQueue(use: (queue: TestQueue) => void): void {
  let server: TestRedis;
  let queue: TestQueue;
  before(async () => {
    server = await startRedis();
  });
  beforeEach(() => {
    queue = openQueue(server);
    use(queue);
  });
  afterEach(() => queue.close());
  after(() => server.stop());
}

export function resultOf(task: DeliveredTask, more: Partial<ResultRecord> = {}): ResultRecord {
  return {
    v: 1,
    id: task.id,
    kind: task.kind,
    status: "success",
    attempts: task.attempts + 1,
    enqueued_at: task.enqueuedAt,
    started_at: 1_000,
    finished_at: 2_000,
    handler_version: "1.0.0",
    image_tag: "bundle:sha256:0",
    worker_id: "w",
    // Last, as workers write it.
    output: "done",
    ...more,
  };
}

export function errorOf(task: DeliveredTask, message = "it broke"): AttemptError {
  return { attempt: task.attempts + 1, at: 1_500, message, reason: "handler", worker_id: "w" };
}

export function reportOf(workerId: string, more: Partial<WorkerReport> = {}): WorkerReport {
  return {
    worker_id: workerId,
    pid: 1,
    host: "localhost",
    state: "idle",
    slots: 4,
    running: {},
    image_tag: "bundle:sha256:0",
    revision: "r1",
    started_at: 1,
    address: "",
    ...more,
  };
}

/** Makes a held entry look as if its worker had been silent for so long. */
export async function age(
  queue: TestQueue,
  task: DeliveredTask,
  workerId: string,
  ms: number,
): Promise<void> {
  const claim = [queue.stream, CONSUMER_GROUP, workerId, 0, task.entryId, "IDLE", ms, "JUSTID"];
  await queue.server.client.call("XCLAIM", ...claim);
}

/** Pushes, takes and buries one task; returns its id. */
export async function bury(
  queue: TestQueue,
  consumer: Consumer,
  task: Partial<NewTask> = {},
): Promise<string> {
  await queue.push(task);
  const taken = await queue.take(consumer);
  const done = await consumer.bury([{ task: taken, error: errorOf(taken), runtimeMs: 5 }]);
  if (done[0] !== true) throw new Error(`${taken.id} was not buried`);
  return taken.id;
}

const NONE_WAITING = { high: 0, normal: 0, low: 0 };
export const CLEAN = {
  ...{ waiting: 0, waitingBy: NONE_WAITING, running: 0, delayed: 0, due: 0, deadLetters: 0 },
  parked: 0,
  parkedBy: {},
  paused: false,
};

/** Depth of a queue where so many tasks of normal priority wait. */
export function waitingNormally(waiting: number) {
  return { waiting, waitingBy: { ...NONE_WAITING, normal: waiting } };
}

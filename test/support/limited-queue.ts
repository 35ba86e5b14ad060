import assert from "node:assert/strict";
import type { KindLimits } from "../../worker/contract/kind-limits.ts";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import { KindLimiter, ParkedTasks } from "../../worker/src/adapters/redis/kind-limits.ts";
import { depth } from "../../worker/src/adapters/redis/queue-status.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { BLOCK_MS, resultOf, type TestQueue } from "./queue.ts";

/** A queue with one worker, `w`, for tests of the limits of its kind `k`. */
export class LimitedQueue {
  readonly queue: TestQueue;
  readonly consumer: Consumer;

  constructor(queue: TestQueue) {
    this.queue = queue;
    this.consumer = queue.consumer("w");
  }

  limiter(limits: KindLimits, workerId = "w"): KindLimiter {
    return new KindLimiter(this.queue.redis, workerId, new Map([["k", limits]]));
  }

  parkedTasks(limits: KindLimits): ParkedTasks {
    return new ParkedTasks(this.queue.redis, this.queue.stream, new Map([["k", limits]]));
  }

  async push(...ids: string[]): Promise<void> {
    await this.queue.producer.enqueue(ids.map((id) => ({ kind: "k", payload: id, id })));
  }

  read(consumer = this.consumer): Promise<DeliveredTask[]> {
    return consumer.read(100, BLOCK_MS);
  }

  /** Asks for all that can be read, or for these: `a:admitted b:parked`. */
  async admit(limits: KindLimiter, tasks?: readonly DeliveredTask[]): Promise<string> {
    const said: string[] = [];
    for (const task of tasks ?? (await this.read())) said.push(`${task.id}:${await limits.admit(task)}`);
    return said.join(" ");
  }

  /** Settles a task and gives its slot on; returns how many that calls. */
  async finish(limits: KindLimiter, task: DeliveredTask | undefined): Promise<number> {
    assert.ok(task !== undefined);
    const done = await this.consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    assert.deepEqual(done, [true]);
    return limits.ended(task);
  }

  /** Lets time pass, as the kind's last starts see it. */
  async letPass(ms: number): Promise<void> {
    const { redis, keys } = this.queue;
    const starts = await redis.lrange(`${keys.starts}k`, 0, -1);
    for (const [at, start] of starts.entries())
      await redis.lset(`${keys.starts}k`, at, String(Number(start) - ms));
    const due = Number((await redis.zscore(keys.parkedKinds, "k")) ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(due)) await redis.zadd(keys.parkedKinds, due - ms, "k");
  }

  /** How many are parked, by kind. */
  async parked(): Promise<Readonly<Record<string, number>>> {
    return (await depth(this.queue.redis, this.queue.stream)).parkedBy;
  }
}

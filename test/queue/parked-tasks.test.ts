import assert from "node:assert/strict";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import { type KindLimiter, ParkedTasks } from "../../worker/src/adapters/redis/kind-limits.ts";
import { Purge, type PurgeOrder } from "../../worker/src/adapters/redis/purge.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { LimitedQueue } from "../support/limited-queue.ts";
import { BLOCK_MS, errorOf, LEASE_OVER, resultOf, type TestQueue, withQueue } from "../support/queue.ts";

const HOUR = 3_600_000;

describe("parked tasks", () => {
  let queue: TestQueue;
  let consumer: Consumer;
  let given: LimitedQueue;
  withQueue((opened) => {
    queue = opened;
    given = new LimitedQueue(queue);
    consumer = given.consumer;
  });

  describe("the fence", () => {
    it("refuses a task that was taken back, and frees nothing of its successor", async () => {
      const limits = given.limiter({ concurrency: 1 });
      await given.push("a", "b");
      const [a, b] = await given.read();
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(await given.admit(limits, [a, b]), "a:admitted b:parked");
      await queue.keeper.reclaim(LEASE_OVER);
      assert.equal(await limits.admit(a), "gone");
      const other = queue.consumer("other");
      const others = given.limiter({ concurrency: 1 }, "other");
      await given.parkedTasks({ concurrency: 1 }).sweep();
      const tasks = await other.read(10, BLOCK_MS);
      assert.equal(await given.admit(others, tasks), "b:admitted a:parked");
      assert.deepEqual(await consumer.settle([{ task: a, result: resultOf(a), runtimeMs: 1 }]), [false]);
      assert.equal(await limits.ended(a), 0, "the late end of a gives nothing on");
      assert.deepEqual(await queue.consumer("third").read(10, BLOCK_MS), []);
    });

    it("answers a call that is sent again as before, and counts one start", async () => {
      const both = { concurrency: 1, rate: { tasks: 5, perMs: HOUR } };
      await given.push("a", "b");
      const [a, b] = await given.read();
      assert.ok(a !== undefined && b !== undefined);
      assert.deepEqual(
        [await given.limiter(both).admit(a), await given.limiter(both).admit(a)],
        ["admitted", "admitted"],
      );
      assert.equal(await queue.redis.llen(`${queue.keys.starts}k`), 1);
      assert.deepEqual(
        [await given.limiter(both).admit(b), await given.limiter(both).admit(b)],
        ["parked", "gone"],
      );
      assert.deepEqual(await given.parked(), { k: 1 });
    });

    it("gives a dead worker's slot on once its task is taken back", async () => {
      const limits = given.limiter({ concurrency: 1 });
      const parked = given.parkedTasks({ concurrency: 1 });
      await given.push("a");
      const dead = queue.consumer("dead");
      assert.equal(await given.limiter({ concurrency: 1 }, "dead").admit(await queue.take(dead)), "admitted");
      await given.push("b");
      assert.equal(await given.admit(limits), "b:parked");
      await parked.sweep();
      assert.deepEqual(await given.read(), [], "the dead one's lease is not over");
      await queue.keeper.reclaim(LEASE_OVER);
      await parked.sweep();
      assert.equal(await given.admit(limits), "b:admitted a:parked");
    });

    it("calls no more than may start while nobody reads", async () => {
      const limits = given.limiter({ concurrency: 2 });
      const parked = given.parkedTasks({ concurrency: 2 });
      await given.push("a", "b", "c", "d", "e", "f");
      const [a, b, ...others] = await given.read();
      assert.ok(a !== undefined && b !== undefined);
      await given.admit(limits, [a, b, ...others]);
      await given.finish(limits, a);
      await given.finish(limits, b);
      for (let round = 0; round < 3; round++) await parked.sweep();
      assert.equal(await queue.redis.xlen(queue.keys.high), 2);
      assert.equal(await queue.redis.xlen(queue.stream), 0);
      await queue.producer.cancel(["c"]);
      await parked.sweep();
      assert.equal(await given.admit(limits), "d:admitted e:admitted");
    });
  });

  describe("changes of the limits", () => {
    it("let more start when they are raised, and park what is called when they are lowered", async () => {
      await given.push("a", "b", "c", "d");
      const tasks = await given.read();
      await given.admit(given.limiter({ concurrency: 1 }), tasks);
      await given.parkedTasks({ concurrency: 3 }).sweep();
      assert.equal(await given.admit(given.limiter({ concurrency: 1 })), "b:parked c:parked");
      const [a] = tasks;
      assert.ok(a !== undefined);
      await given.finish(given.limiter({ concurrency: 1 }), a);
      assert.equal(await given.admit(given.limiter({ concurrency: 1 })), "b:admitted");
    });

    it("send everything back to the stream, in order, when there are none any more", async () => {
      const ids = Array.from({ length: 2_300 }, (_, n) => `t${n}`);
      await given.push("first", ...ids);
      const limits = given.limiter({ concurrency: 1 });
      const tasks = await consumer.read(3_000, BLOCK_MS);
      await Promise.all(tasks.map((task) => limits.admit(task)));
      assert.deepEqual(await given.parked(), { k: 2_300 });
      const none = new ParkedTasks(queue.redis, queue.stream, new Map());
      await none.sweep();
      while ((await none.promote()).promoted > 0);
      const back = await consumer.read(3_000, BLOCK_MS);
      assert.deepEqual(
        back.map(({ id }) => id),
        ids,
      );
      assert.equal(await queue.redis.exists(queue.keys.parkedKinds), 0);
    });
  });

  describe("a parked task", () => {
    let limits: KindLimiter;
    let running: DeliveredTask | undefined;
    beforeEach(async () => {
      limits = given.limiter({ concurrency: 1 });
      await given.push("running", "x", "y");
      const tasks = await given.read();
      [running] = tasks;
      await given.admit(limits, tasks);
    });

    it("can be cancelled, and nothing of it is left", async () => {
      const waiting = queue.results.wait(["x"]);
      assert.deepEqual(await queue.producer.cancel(["x", "running"]), ["cancelled", "requested"]);
      const outcome = (await waiting).get("x");
      assert.ok(outcome?.state === "settled");
      assert.deepEqual(outcome.result.error, { message: "cancelled before it ran", reason: "cancelled" });
      assert.deepEqual(await given.parked(), { k: 1 });
      assert.deepEqual(await queue.redis.hkeys(queue.keys.dueEntries), ["y"]);
      assert.equal(await queue.redis.hexists(queue.keys.index, "x"), 0);
      assert.equal((await queue.stats())["live:k"], "2");
      await queue.producer.cancel(["y"]);
      assert.deepEqual(await given.parked(), {});
    });

    it("is not parked but cancelled when it was asked to stop in a worker's hands", async () => {
      await given.push("z");
      const task = await queue.take(consumer);
      assert.deepEqual(await queue.producer.cancel(["z"]), ["requested"]);
      assert.equal(await limits.admit(task), "cancelled");
      const [outcome] = await queue.results.read(["z"]);
      assert.ok(outcome?.state === "settled");
      assert.equal(outcome.result.error?.message, "cancelled while a worker held it");
      assert.equal(await queue.redis.exists(queue.keys.cancelled), 0);
      assert.equal((await queue.stats())["live:k"], "3");
    });

    it("can be purged, by kind, with those that wait; what is called, too", async () => {
      const purge = async (order: Partial<PurgeOrder>) => {
        const whole = { olderThanMs: 0, dryRun: false, resultTtlSeconds: 60, ...order };
        const states = new Set(["waiting" as const]);
        return Object.fromEntries(await new Purge(queue.redis, queue.stream, { ...whole, states }).run());
      };
      const two = { k: { waiting: 2, delayed: 0, dead: 0 } };
      assert.deepEqual(await purge({ dryRun: true }), two);
      assert.deepEqual(await purge({ kind: "other" }), {});
      assert.deepEqual(await given.parked(), { k: 2 });
      await given.finish(limits, running);
      assert.deepEqual(await given.parked(), { k: 1 }, "x is called");
      assert.deepEqual(await purge({}), two);
      assert.deepEqual(await given.parked(), {});
      assert.equal(await queue.redis.exists(queue.keys.index, queue.keys.dueEntries), 0);
      assert.equal((await queue.stats())["live:k"], "0");
      await given.parkedTasks({ concurrency: 1 }).sweep();
      await given.push("next");
      assert.equal(await given.admit(limits), "next:admitted");
    });

    it("is known to pushes, requeues and retries that are sent again", async () => {
      const [again] = await queue.producer.enqueue([{ kind: "k", payload: 1, id: "x" }]);
      assert.equal(again?.state, "duplicate");
      await given.push("r");
      const failed = await queue.take(consumer);
      const retry = { task: failed, error: errorOf(failed), delayMs: 0, runtimeMs: 1 };
      assert.deepEqual(await consumer.retry([retry]), [true]);
      assert.equal(await given.admit(limits), "r:parked");
      assert.deepEqual(await consumer.retry([retry]), [true]);
      assert.equal((await queue.stats()).late, undefined);
    });
  });
});

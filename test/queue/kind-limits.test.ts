import assert from "node:assert/strict";
import type { KindLimits } from "../../worker/contract/kind-limits.ts";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { LimitedQueue } from "../support/limited-queue.ts";
import { BLOCK_MS, errorOf, LEASE_OVER, resultOf, type TestQueue, withQueue } from "../support/queue.ts";

const HOUR = 3_600_000;

describe("limits of a kind", () => {
  let queue: TestQueue;
  let consumer: Consumer;
  let given: LimitedQueue;
  withQueue((opened) => {
    queue = opened;
    given = new LimitedQueue(queue);
    consumer = given.consumer;
  });

  describe("concurrency", () => {
    it("lets exactly as many run, and calls the next of the line with each that ends", async () => {
      const limits = given.limiter({ concurrency: 2 });
      await given.push("a", "b", "c", "d", "e");
      const [a, b, ...rest] = await given.read();
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(
        await given.admit(limits, [a, b, ...rest]),
        "a:admitted b:admitted c:parked d:parked e:parked",
      );
      assert.deepEqual(await given.parked(), { k: 3 });
      assert.equal(await queue.redis.xlen(queue.stream), 2, "what is parked is not in the stream");
      assert.equal((await queue.stats())["live:k"], "5");
      assert.equal((await queue.stats())["parked:k"], "3");
      assert.deepEqual(await given.read(), []);

      assert.equal(await given.finish(limits, b), 1);
      const [c] = await given.read();
      assert.ok(c !== undefined);
      assert.equal(await given.admit(limits, [c]), "c:admitted");
      assert.equal(await given.finish(limits, a), 1);
      assert.equal(await given.finish(limits, c), 1);
      assert.equal(await given.admit(limits), "d:admitted e:admitted");
      assert.deepEqual(await given.parked(), {});
      assert.deepEqual(await queue.redis.keys(`${queue.keys.parked}*`), []);
    });

    it("does not let a newcomer overtake what is parked, not even with a free slot", async () => {
      const limits = given.limiter({ concurrency: 1 });
      await given.push("a", "b");
      const [a, b] = await given.read();
      assert.ok(a !== undefined && b !== undefined);
      await given.admit(limits, [a, b]);
      await given.push("c");
      const [c] = await given.read();
      assert.ok(c !== undefined);
      await given.finish(limits, a);
      assert.equal(await limits.admit(c), "parked", "b is called");
      const [called] = await given.read();
      assert.equal(called?.id, "b");
      await consumer.release([called]);
      await queue.redis.del(`${queue.keys.slots}k`);
      assert.equal(await given.admit(limits), "b:parked", "it has the first place again");
      assert.equal(await given.admit(limits), "b:admitted");
    });

    it("changes nothing of a task that it parks", async () => {
      const limits = given.limiter({ concurrency: 1 });
      await given.push("first");
      await limits.admit(await queue.take(consumer));
      await queue.push({ id: "x", payload: { deep: ["ü", 1.5] }, timeoutMs: 7_000, maxAttempts: 4 });
      const failed = await queue.take(consumer);
      await consumer.retry([{ task: failed, error: errorOf(failed), delayMs: 0, runtimeMs: 1 }]);
      await queue.take(queue.consumer("dies"));
      await queue.keeper.reclaim(LEASE_OVER);
      const tasks = await given.read();
      const before = tasks.find(({ id }) => id === "x");
      const first = tasks.find(({ id }) => id === "first");
      assert.ok(before !== undefined && first !== undefined);
      await given.parkedTasks({ concurrency: 1 }).sweep();
      assert.equal(await limits.admit(first), "admitted");
      assert.equal(await limits.admit(before), "parked");
      await given.finish(limits, first);
      const after = await queue.take(consumer);
      const { entryId, priority, ...same } = after;
      assert.deepEqual({ ...same, entryId: before.entryId, priority: "normal" }, before);
      assert.deepEqual([after.attempts, after.deliveries], [1, 1]);
      assert.equal(priority, "high", "no backlog is before it");
      assert.notEqual(entryId, before.entryId);
    });

    it("gives a slot on after every way to end, and after none twice", async () => {
      const limits = given.limiter({ concurrency: 1 });
      const ends: Record<string, (task: DeliveredTask) => Promise<boolean[]>> = {
        settle: (task) => consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]),
        retry: (task) => consumer.retry([{ task, error: errorOf(task), delayMs: HOUR, runtimeMs: 1 }]),
        bury: (task) => consumer.bury([{ task, error: errorOf(task), runtimeMs: 1 }]),
        release: (task) => consumer.release([task]),
      };
      await given.push(...Object.keys(ends), "last");
      const tasks = await given.read();
      await given.admit(limits, tasks);
      let [running] = tasks;
      for (const end of Object.values(ends)) {
        assert.ok(running !== undefined);
        assert.equal(await limits.ended(running), 0, "its entry is still there");
        assert.deepEqual(await end(running), [true]);
        assert.equal(await limits.ended(running), 1);
        assert.equal(await limits.ended(running), 0);
        const next = await given.read();
        // What was released is there again, and was not called.
        assert.match(await given.admit(limits, next), /^(release:parked )?\w+:admitted$/);
        running = next.at(-1);
      }
      assert.equal(running?.id, "last");
    });
  });

  describe("rate", () => {
    const rate: KindLimits = { rate: { tasks: 3, perMs: HOUR } };

    it("lets exactly as many start in a window, and the next when the first start leaves it", async () => {
      const limits = given.limiter(rate);
      const parked = given.parkedTasks(rate);
      await given.push("a", "b", "c", "d", "e");
      const tasks = await given.read();
      assert.equal(await given.admit(limits, tasks), "a:admitted b:admitted c:admitted d:parked e:parked");
      for (const task of tasks.slice(0, 3))
        assert.equal(await given.finish(limits, task), 0, "no end is a start");
      const [first = ""] = await queue.redis.lrange(`${queue.keys.starts}k`, 0, 0);
      const due = { promoted: 0, nextDueMs: Number(first) + HOUR };
      assert.deepEqual(await parked.promote(), due);
      await given.letPass(HOUR - 60_000);
      assert.equal((await parked.promote()).promoted, 0);
      await parked.sweep();
      assert.deepEqual(await given.read(), []);
      await given.letPass(60_000);
      assert.equal((await parked.promote()).promoted, 2);
      assert.equal(await given.admit(limits), "d:admitted e:admitted");
      await given.push("f", "g");
      assert.equal(await given.admit(limits), "f:admitted g:parked");
    });

    it("slides: starts leave the window one by one", async () => {
      const limits = given.limiter(rate);
      const parked = given.parkedTasks(rate);
      for (const id of ["a", "b", "c"]) {
        await given.push(id);
        assert.equal(await given.admit(limits), `${id}:admitted`);
        await given.letPass(HOUR / 4);
      }
      await given.push("d", "e");
      assert.equal(await given.admit(limits), "d:parked e:parked");
      await given.letPass(HOUR / 4);
      assert.equal((await parked.promote()).promoted, 1);
      assert.equal(await given.admit(limits), "d:admitted");
      assert.equal((await parked.promote()).promoted, 0);
    });

    it("keeps a place in the window for what is called, however late it starts", async () => {
      const limits = given.limiter({ rate: { tasks: 1, perMs: HOUR } });
      const parked = given.parkedTasks({ rate: { tasks: 1, perMs: HOUR } });
      await given.push("a", "b", "c");
      await given.admit(limits);
      await given.letPass(HOUR);
      assert.equal((await parked.promote()).promoted, 1);
      await given.letPass(5 * HOUR);
      await parked.sweep();
      assert.deepEqual(await parked.promote(), { promoted: 0, nextDueMs: null });
      assert.equal(await given.admit(limits), "b:admitted");
      assert.equal((await parked.promote()).promoted, 0, "b has just started");
    });

    it("holds together with concurrency, whichever is the narrower", async () => {
      const both = { concurrency: 2, ...rate };
      const limits = given.limiter(both);
      await given.push("a", "b", "c", "d");
      const [a, b, ...others] = await given.read();
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(await given.admit(limits, [a, b, ...others]), "a:admitted b:admitted c:parked d:parked");
      assert.equal(await given.finish(limits, a), 1);
      assert.equal(await given.admit(limits), "c:admitted");
      assert.equal(await given.finish(limits, b), 0, "three have started");
      await given.letPass(HOUR);
      assert.equal((await given.parkedTasks(both).promote()).promoted, 1);
    });

    it("forgets the starts with the window", async () => {
      await given.push("a");
      await given.admit(given.limiter(rate));
      const ttl = await queue.redis.pttl(`${queue.keys.starts}k`);
      assert.ok(ttl > 0 && ttl <= HOUR, String(ttl));
    });
  });

  describe("priorities", () => {
    it("decide the place in the line, and who waited an hour longer is before them", async () => {
      const limits = given.limiter({ concurrency: 1 });
      await given.push("first");
      await limits.admit(await queue.take(consumer));
      const push = async (id: string, priority: "high" | "normal" | "low") => {
        await queue.push({ id, priority });
        assert.equal(await given.admit(limits), `${id}:parked`);
      };
      await push("low", "low");
      await push("normal", "normal");
      await push("high", "high");
      const line = `${queue.keys.parked}k`;
      assert.deepEqual(await queue.redis.zrange(line, "0", "-1"), ["high", "normal", "low"]);
      await queue.redis.zincrby(line, -2 * HOUR * 1_000, "low");
      await push("later", "high");
      assert.deepEqual(await queue.redis.zrange(line, "0", "-1"), ["low", "high", "later", "normal"]);
    });

    it("are kept: what comes back from the line retries in its own stream", async () => {
      const limits = given.limiter({ concurrency: 1 });
      await given.push("first");
      const first = await queue.take(consumer);
      await limits.admit(first);
      await queue.push({ id: "x", priority: "low" });
      await given.admit(limits);
      await given.finish(limits, first);
      const x = await queue.take(consumer);
      assert.deepEqual([x.priority, x.options], ["high", { priority: "low" }]);
      assert.equal(await limits.admit(x), "admitted");
      await consumer.retry([{ task: x, error: errorOf(x), delayMs: 1, runtimeMs: 1 }]);
      await queue.redis.zadd(queue.keys.due, 1, "x");
      await queue.keeper.promote(1);
      assert.equal(await queue.redis.xlen(queue.keys.low), 1);
    });

    it("slots of entries with the same id in different streams are different slots", async () => {
      const limits = given.limiter({ concurrency: 1 });
      await queue.push({ id: "a" });
      const [a] = await given.read();
      assert.ok(a !== undefined);
      assert.equal(await limits.admit(a), "admitted");
      assert.deepEqual(await queue.redis.zrange(`${queue.keys.slots}k`, "0", "-1"), [
        `${queue.stream} ${a.entryId}`,
      ]);
      assert.equal(await limits.ended({ ...a, priority: "high" }), 0);
      assert.equal(await queue.redis.zcard(`${queue.keys.slots}k`), 1);
    });
  });

  it("costs nothing but its own memory while it waits, however many there are", async () => {
    const limits = given.limiter({ concurrency: 2 });
    const parked = given.parkedTasks({ concurrency: 2 });
    await queue.producer.enqueue(Array.from({ length: 10_000 }, (_, n) => ({ kind: "k", payload: n })));
    const tasks = await consumer.read(10_000, BLOCK_MS);
    await Promise.all(tasks.map((task) => limits.admit(task)));
    assert.deepEqual(await given.parked(), { k: 9_998 });
    const commands = async () => {
      const stats = await queue.redis.info("commandstats");
      const calls = [...stats.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm)];
      return new Map(calls.map(([, name, count]) => [name, Number(count)]));
    };
    const before = await commands();
    for (let look = 0; look < 100; look++) {
      const told = await parked.promote();
      assert.deepEqual(told, { promoted: 0, nextDueMs: null });
    }
    const after = await commands();
    const used = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    assert.deepEqual([used("zrangebyscore"), used("zrange"), used("xadd"), used("hget")], [100, 100, 0, 0]);
  }).timeout(30_000);
});

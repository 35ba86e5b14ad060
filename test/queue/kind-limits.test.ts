import assert from "node:assert/strict";
import type { KindLimits } from "../../worker/contract/kind-limits.ts";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import { KindLimiter, ParkedTasks, parkedByKind } from "../../worker/src/adapters/redis/kind-limits.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { BLOCK_MS, errorOf, LEASE_OVER, resultOf, type TestQueue, withQueue } from "../support/queue.ts";

const HOUR = 3_600_000;

describe("limits of a kind", () => {
  let queue: TestQueue;
  let consumer: Consumer;
  withQueue((opened) => {
    queue = opened;
    consumer = queue.consumer("w");
  });

  const limiter = (limits: KindLimits, workerId = "w") =>
    new KindLimiter(queue.redis, workerId, new Map([["k", limits]]));
  const parkedTasks = (limits: KindLimits) =>
    new ParkedTasks(queue.redis, queue.stream, new Map([["k", limits]]));

  async function pushAll(...ids: string[]): Promise<void> {
    await queue.producer.enqueue(ids.map((id) => ({ kind: "k", payload: id, id })));
  }

  async function readAll(from: Consumer = consumer): Promise<DeliveredTask[]> {
    return from.read(100, BLOCK_MS);
  }

  /** `a:admitted b:parked` of all that can be read. */
  async function admitAll(limits: KindLimiter, tasks: readonly DeliveredTask[]): Promise<string> {
    const said: string[] = [];
    for (const task of tasks) said.push(`${task.id}:${await limits.admit(task)}`);
    return said.join(" ");
  }

  async function finish(limits: KindLimiter, task: DeliveredTask): Promise<number> {
    assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
    return limits.ended(task);
  }

  /** Lets time pass, as the kind's last starts see it. */
  async function letPass(ms: number): Promise<void> {
    const { redis, keys } = queue;
    const starts = await redis.lrange(`${keys.starts}k`, 0, -1);
    for (const [at, start] of starts.entries())
      await redis.lset(`${keys.starts}k`, at, String(Number(start) - ms));
    for (const kind of await redis.zrange(keys.parkedKinds, "0", "-1")) {
      const due = Number(await redis.zscore(keys.parkedKinds, kind));
      if (Number.isFinite(due)) await redis.zadd(keys.parkedKinds, due - ms, kind);
    }
  }

  const parkedNow = async () => Object.fromEntries(await parkedByKind(queue.redis, queue.stream));

  describe("concurrency", () => {
    it("lets exactly as many run, and calls the next of the line with each that ends", async () => {
      const limits = limiter({ concurrency: 2 });
      await pushAll("a", "b", "c", "d", "e");
      const [a, b, ...rest] = await readAll();
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(
        await admitAll(limits, [a, b, ...rest]),
        "a:admitted b:admitted c:parked d:parked e:parked",
      );
      assert.deepEqual(await parkedNow(), { k: 3 });
      assert.equal(await queue.redis.xlen(queue.stream), 2, "what is parked is not in the stream");
      assert.equal((await queue.stats())["live:k"], "5");
      assert.equal((await queue.stats())["parked:k"], "3");
      assert.deepEqual(await readAll(), []);

      assert.equal(await finish(limits, b), 1);
      const [c] = await readAll();
      assert.ok(c !== undefined);
      assert.equal(await admitAll(limits, [c]), "c:admitted");
      assert.equal(await finish(limits, a), 1);
      assert.equal(await finish(limits, c), 1);
      assert.equal(await admitAll(limits, await readAll()), "d:admitted e:admitted");
      assert.deepEqual(await parkedNow(), {});
      assert.deepEqual(await queue.redis.keys(`${queue.keys.parked}*`), []);
    });

    it("does not let a newcomer overtake what is parked, not even with a free slot", async () => {
      const limits = limiter({ concurrency: 1 });
      await pushAll("a", "b");
      const [a, b] = await readAll();
      assert.ok(a !== undefined && b !== undefined);
      await admitAll(limits, [a, b]);
      await pushAll("c");
      const [c] = await readAll();
      assert.ok(c !== undefined);
      await finish(limits, a);
      assert.equal(await limits.admit(c), "parked", "b is called");
      const [called] = await readAll();
      assert.equal(called?.id, "b");
      await consumer.release([called]);
      await queue.redis.del(`${queue.keys.slots}k`);
      assert.equal(await admitAll(limits, await readAll()), "b:parked", "it has the first place again");
      assert.equal(await admitAll(limits, await readAll()), "b:admitted");
    });

    it("changes nothing of a task that it parks", async () => {
      const limits = limiter({ concurrency: 1 });
      await pushAll("first");
      await limits.admit(await queue.take(consumer));
      await queue.push({ id: "x", payload: { deep: ["ü", 1.5] }, timeoutMs: 7_000, maxAttempts: 4 });
      const failed = await queue.take(consumer);
      await consumer.retry([{ task: failed, error: errorOf(failed), delayMs: 0, runtimeMs: 1 }]);
      await queue.take(queue.consumer("dies"));
      await queue.keeper.reclaim(LEASE_OVER);
      const tasks = await readAll();
      const before = tasks.find(({ id }) => id === "x");
      const first = tasks.find(({ id }) => id === "first");
      assert.ok(before !== undefined && first !== undefined);
      await parkedTasks({ concurrency: 1 }).sweep();
      assert.equal(await limits.admit(first), "admitted");
      assert.equal(await limits.admit(before), "parked");
      await finish(limits, first);
      const after = await queue.take(consumer);
      assert.deepEqual({ ...after, entryId: "" }, { ...before, entryId: "" });
      assert.deepEqual([after.attempts, after.deliveries], [1, 1]);
      assert.notEqual(after.entryId, before.entryId);
    });

    it("gives a slot on after every way to end, and after none twice", async () => {
      const limits = limiter({ concurrency: 1 });
      const ends: Record<string, (task: DeliveredTask) => Promise<boolean[]>> = {
        settle: (task) => consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]),
        retry: (task) => consumer.retry([{ task, error: errorOf(task), delayMs: HOUR, runtimeMs: 1 }]),
        bury: (task) => consumer.bury([{ task, error: errorOf(task), runtimeMs: 1 }]),
        release: (task) => consumer.release([task]),
      };
      await pushAll(...Object.keys(ends), "last");
      const tasks = await readAll();
      await admitAll(limits, tasks);
      let [running] = tasks;
      for (const end of Object.values(ends)) {
        assert.ok(running !== undefined);
        assert.equal(await limits.ended(running), 0, "its entry is still there");
        assert.deepEqual(await end(running), [true]);
        assert.equal(await limits.ended(running), 1);
        assert.equal(await limits.ended(running), 0);
        const next = await readAll();
        // What was released is there again, and was not called.
        assert.match(await admitAll(limits, next), /^(release:parked )?\w+:admitted$/);
        running = next.at(-1);
      }
      assert.equal(running?.id, "last");
    });
  });

  describe("rate", () => {
    const rate: KindLimits = { rate: { tasks: 3, perMs: HOUR } };

    it("lets exactly as many start in a window, and the next when the first start leaves it", async () => {
      const limits = limiter(rate);
      const parked = parkedTasks(rate);
      await pushAll("a", "b", "c", "d", "e");
      const tasks = await readAll();
      assert.equal(await admitAll(limits, tasks), "a:admitted b:admitted c:admitted d:parked e:parked");
      for (const task of tasks.slice(0, 3)) assert.equal(await finish(limits, task), 0, "no end is a start");
      const [first = ""] = await queue.redis.lrange(`${queue.keys.starts}k`, 0, 0);
      const due = { promoted: 0, nextDueMs: Number(first) + HOUR };
      assert.deepEqual(await parked.promote(), due);
      await letPass(HOUR - 60_000);
      assert.equal((await parked.promote()).promoted, 0);
      await parked.sweep();
      assert.deepEqual(await readAll(), []);
      await letPass(60_000);
      assert.equal((await parked.promote()).promoted, 2);
      assert.equal(await admitAll(limits, await readAll()), "d:admitted e:admitted");
      await pushAll("f", "g");
      assert.equal(await admitAll(limits, await readAll()), "f:admitted g:parked");
    });

    it("slides: starts leave the window one by one", async () => {
      const limits = limiter(rate);
      const parked = parkedTasks(rate);
      for (const id of ["a", "b", "c"]) {
        await pushAll(id);
        assert.equal(await admitAll(limits, await readAll()), `${id}:admitted`);
        await letPass(HOUR / 4);
      }
      await pushAll("d", "e");
      assert.equal(await admitAll(limits, await readAll()), "d:parked e:parked");
      await letPass(HOUR / 4);
      assert.equal((await parked.promote()).promoted, 1);
      assert.equal(await admitAll(limits, await readAll()), "d:admitted");
      assert.equal((await parked.promote()).promoted, 0);
    });

    it("keeps a place in the window for what is called, however late it starts", async () => {
      const limits = limiter({ rate: { tasks: 1, perMs: HOUR } });
      const parked = parkedTasks({ rate: { tasks: 1, perMs: HOUR } });
      await pushAll("a", "b", "c");
      await admitAll(limits, await readAll());
      await letPass(HOUR);
      assert.equal((await parked.promote()).promoted, 1);
      await letPass(5 * HOUR);
      await parked.sweep();
      assert.deepEqual(await parked.promote(), { promoted: 0, nextDueMs: null });
      assert.equal(await admitAll(limits, await readAll()), "b:admitted");
      assert.equal((await parked.promote()).promoted, 0, "b has just started");
    });

    it("holds together with concurrency, whichever is the narrower", async () => {
      const both = { concurrency: 2, ...rate };
      const limits = limiter(both);
      await pushAll("a", "b", "c", "d");
      const [a, b, ...others] = await readAll();
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(await admitAll(limits, [a, b, ...others]), "a:admitted b:admitted c:parked d:parked");
      assert.equal(await finish(limits, a), 1);
      assert.equal(await admitAll(limits, await readAll()), "c:admitted");
      assert.equal(await finish(limits, b), 0, "three have started");
      await letPass(HOUR);
      assert.equal((await parkedTasks(both).promote()).promoted, 1);
    });

    it("forgets the starts with the window", async () => {
      await pushAll("a");
      await admitAll(limiter(rate), await readAll());
      const ttl = await queue.redis.pttl(`${queue.keys.starts}k`);
      assert.ok(ttl > 0 && ttl <= HOUR, String(ttl));
    });
  });

  describe("the fence", () => {
    it("refuses a task that was taken back, and frees nothing of its successor", async () => {
      const limits = limiter({ concurrency: 1 });
      await pushAll("a", "b");
      const [a, b] = await readAll();
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(await admitAll(limits, [a, b]), "a:admitted b:parked");
      await queue.keeper.reclaim(LEASE_OVER);
      assert.equal(await limits.admit(a), "gone");
      const other = queue.consumer("other");
      const others = limiter({ concurrency: 1 }, "other");
      await parkedTasks({ concurrency: 1 }).sweep();
      const tasks = await other.read(10, BLOCK_MS);
      assert.equal(await admitAll(others, tasks), "a:parked b:admitted");
      assert.deepEqual(await consumer.settle([{ task: a, result: resultOf(a), runtimeMs: 1 }]), [false]);
      assert.equal(await limits.ended(a), 0, "the late end of a gives nothing on");
      assert.deepEqual(await queue.consumer("third").read(10, BLOCK_MS), []);
    });

    it("answers a call that is sent again as before, and counts one start", async () => {
      const both = { concurrency: 1, rate: { tasks: 5, perMs: HOUR } };
      await pushAll("a", "b");
      const [a, b] = await readAll();
      assert.ok(a !== undefined && b !== undefined);
      assert.deepEqual(
        [await limiter(both).admit(a), await limiter(both).admit(a)],
        ["admitted", "admitted"],
      );
      assert.equal(await queue.redis.llen(`${queue.keys.starts}k`), 1);
      assert.deepEqual([await limiter(both).admit(b), await limiter(both).admit(b)], ["parked", "gone"]);
      assert.deepEqual(await parkedNow(), { k: 1 });
    });

    it("gives a dead worker's slot on once its task is taken back", async () => {
      const limits = limiter({ concurrency: 1 });
      const parked = parkedTasks({ concurrency: 1 });
      await pushAll("a");
      const dead = queue.consumer("dead");
      assert.equal(await limiter({ concurrency: 1 }, "dead").admit(await queue.take(dead)), "admitted");
      await pushAll("b");
      assert.equal(await admitAll(limits, await readAll()), "b:parked");
      await parked.sweep();
      assert.deepEqual(await readAll(), [], "the dead one's lease is not over");
      await queue.keeper.reclaim(LEASE_OVER);
      await parked.sweep();
      assert.equal(await admitAll(limits, await readAll()), "a:parked b:admitted");
    });

    it("calls no more than may start while nobody reads", async () => {
      const limits = limiter({ concurrency: 2 });
      const parked = parkedTasks({ concurrency: 2 });
      await pushAll("a", "b", "c", "d", "e", "f");
      const [a, b, ...others] = await readAll();
      assert.ok(a !== undefined && b !== undefined);
      await admitAll(limits, [a, b, ...others]);
      await finish(limits, a);
      await finish(limits, b);
      for (let round = 0; round < 3; round++) await parked.sweep();
      assert.equal(await queue.redis.xlen(queue.stream), 2);
      await queue.producer.cancel(["c"]);
      await parked.sweep();
      assert.equal(await admitAll(limits, await readAll()), "d:admitted e:admitted");
    });
  });

  describe("changes of the limits", () => {
    it("let more start when they are raised, and park what is called when they are lowered", async () => {
      await pushAll("a", "b", "c", "d");
      const tasks = await readAll();
      await admitAll(limiter({ concurrency: 1 }), tasks);
      await parkedTasks({ concurrency: 3 }).sweep();
      assert.equal(await admitAll(limiter({ concurrency: 1 }), await readAll()), "b:parked c:parked");
      const [a] = tasks;
      assert.ok(a !== undefined);
      await finish(limiter({ concurrency: 1 }), a);
      assert.equal(await admitAll(limiter({ concurrency: 1 }), await readAll()), "b:admitted");
    });

    it("send everything back to the stream, in order, when there are none any more", async () => {
      const ids = Array.from({ length: 2_300 }, (_, n) => `t${n}`);
      await pushAll("first", ...ids);
      const limits = limiter({ concurrency: 1 });
      const tasks = await consumer.read(3_000, BLOCK_MS);
      await Promise.all(tasks.map((task) => limits.admit(task)));
      assert.deepEqual(await parkedNow(), { k: 2_300 });
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
    beforeEach(async () => {
      limits = limiter({ concurrency: 1 });
      await pushAll("running", "x", "y");
      await admitAll(limits, await readAll());
    });

    it("can be cancelled, and nothing of it is left", async () => {
      const waiting = queue.results.wait(["x"]);
      assert.deepEqual(await queue.producer.cancel(["x", "running"]), ["cancelled", "requested"]);
      const outcome = (await waiting).get("x");
      assert.ok(outcome?.state === "settled");
      assert.deepEqual(outcome.result.error, { message: "cancelled before it ran", reason: "cancelled" });
      assert.deepEqual(await parkedNow(), { k: 1 });
      assert.deepEqual(await queue.redis.hkeys(queue.keys.dueEntries), ["y"]);
      assert.equal(await queue.redis.hexists(queue.keys.index, "x"), 0);
      assert.equal((await queue.stats())["live:k"], "2");
      await queue.producer.cancel(["y"]);
      assert.deepEqual(await parkedNow(), {});
    });

    it("is not parked but cancelled when it was asked to stop in a worker's hands", async () => {
      await pushAll("z");
      const task = await queue.take(consumer);
      assert.deepEqual(await queue.producer.cancel(["z"]), ["requested"]);
      assert.equal(await limits.admit(task), "cancelled");
      const [outcome] = await queue.results.read(["z"]);
      assert.ok(outcome?.state === "settled");
      assert.equal(outcome.result.error?.message, "cancelled while a worker held it");
      assert.equal(await queue.redis.exists(queue.keys.cancelled), 0);
      assert.equal((await queue.stats())["live:k"], "3");
    });

    it("is known to pushes, requeues and retries that are sent again", async () => {
      const [again] = await queue.producer.enqueue([{ kind: "k", payload: 1, id: "x" }]);
      assert.equal(again?.state, "duplicate");
      await pushAll("r");
      const failed = await queue.take(consumer);
      const retry = { task: failed, error: errorOf(failed), delayMs: 0, runtimeMs: 1 };
      assert.deepEqual(await consumer.retry([retry]), [true]);
      assert.equal(await admitAll(limits, await readAll()), "r:parked");
      assert.deepEqual(await consumer.retry([retry]), [true]);
      assert.equal((await queue.stats()).late, undefined);
    });
  });

  it("costs nothing but its own memory while it waits, however many there are", async () => {
    const limits = limiter({ concurrency: 2 });
    const parked = parkedTasks({ concurrency: 2 });
    await queue.producer.enqueue(Array.from({ length: 10_000 }, (_, n) => ({ kind: "k", payload: n })));
    const tasks = await consumer.read(10_000, BLOCK_MS);
    await Promise.all(tasks.map((task) => limits.admit(task)));
    assert.deepEqual(await parkedNow(), { k: 9_998 });
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

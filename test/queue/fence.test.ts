import assert from "node:assert/strict";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { errorOf, LEASE_OVER, reportOf, resultOf, type TestQueue, withQueue } from "../support/queue.ts";

/** Every way in which a worker may end a task. */
const ENDS: Record<string, (consumer: Consumer, task: DeliveredTask) => Promise<boolean[]>> = {
  settle: (consumer, task) =>
    consumer.settle([{ task, result: resultOf(task, { output: "late" }), runtimeMs: 9 }]),
  retry: (consumer, task) => consumer.retry([{ task, error: errorOf(task), delayMs: 0, runtimeMs: 9 }]),
  "retry later": (consumer, task) =>
    consumer.retry([{ task, error: errorOf(task), delayMs: 60_000, runtimeMs: 9 }]),
  bury: (consumer, task) => consumer.bury([{ task, error: errorOf(task), runtimeMs: 9 }]),
  release: (consumer, task) => consumer.release([task]),
};

/** A hand-back carries no result that could come late. */
const lateIf = (name: string, count: string) => (name === "release" ? undefined : count);

describe("fence", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  /** A task that `old` held when it fell silent, taken back, and not yet with anyone else. */
  async function takenBack(): Promise<{ old: Consumer; stale: DeliveredTask }> {
    const old = queue.consumer("old");
    await queue.push({ id: "x" });
    const stale = await queue.take(old);
    assert.deepEqual(await queue.keeper.reclaim(LEASE_OVER), { requeued: ["x"], buried: [], cancelled: [] });
    return { old, stale };
  }

  for (const [name, end] of Object.entries(ENDS)) {
    it(`${name}: refused to the old owner while another worker runs the task`, async () => {
      const { old, stale } = await takenBack();
      const fresh = queue.consumer("new");
      const task = await queue.take(fresh);
      assert.deepEqual([task.id, task.deliveries, task.attempts], ["x", 1, 0]);

      assert.deepEqual(await end(old, stale), [false]);
      assert.equal((await queue.stats()).late, lateIf(name, "1"));
      assert.deepEqual(await queue.results.read(["x"]), [{ state: "open" }]);
      assert.equal(await queue.redis.xlen(queue.stream), 1);
      assert.equal(await queue.redis.zcard(queue.keys.due), 0);

      assert.deepEqual(await fresh.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
      const [outcome] = await queue.results.read(["x"]);
      assert(outcome?.state === "settled");
      assert.equal(outcome.result.output, "done");
      assert.equal(await queue.redis.xlen(queue.stream), 0);
      assert.equal((await queue.stats())["live:k"], "0");
    });

    it(`${name}: refused to the old owner while the task waits again`, async () => {
      const { old, stale } = await takenBack();
      assert.deepEqual(await end(old, stale), [false]);
      assert.equal((await queue.take(queue.consumer("new"))).id, "x");
      assert.equal((await queue.stats()).late, lateIf(name, "1"));
    });

    it(`${name}: refused to the old owner after the new one has settled`, async () => {
      const { old, stale } = await takenBack();
      const fresh = queue.consumer("new");
      const task = await queue.take(fresh);
      await fresh.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
      assert.deepEqual(await end(old, stale), [false]);
      const [outcome] = await queue.results.read(["x"]);
      assert(outcome?.state === "settled");
      assert.equal(outcome.result.output, "done");
      assert.deepEqual(
        [await queue.redis.xlen(queue.stream), (await queue.stats())["live:k"], (await queue.stats()).late],
        [0, "0", lateIf(name, "1")],
      );
    });

    // The entry alone is the fence of a settle.
    if (name !== "settle") {
      it(`${name}: refused to another consumer, and at another delivery count`, async () => {
        const owner = queue.consumer("owner");
        await queue.push({ id: "x" });
        const task = await queue.take(owner);
        assert.deepEqual(await end(queue.consumer("thief"), task), [false]);
        assert.deepEqual(await end(owner, { ...task, deliveryCount: 2 }), [false]);
        assert.deepEqual(await end(owner, task), [true]);
        assert.equal((await queue.stats()).late, lateIf(name, "2"));
      });
    }

    it(`${name}: has one effect when the call is repeated, which is not late`, async () => {
      const owner = queue.consumer("owner");
      await queue.push({ id: "x" });
      const task = await queue.take(owner);
      assert.deepEqual(await end(owner, task), [true]);
      assert.deepEqual(await end(owner, task), [name !== "release"]);
      assert.equal((await queue.stats()).late, undefined);
      const depth = (await queue.redis.xlen(queue.stream)) + (await queue.redis.zcard(queue.keys.due));
      assert.equal(depth, name === "settle" || name === "bury" ? 0 : 1);
    });
  }

  it("settle: ends a task once, also when somebody moved its entry to another worker by hand", async () => {
    const [owner, thief] = [queue.consumer("owner"), queue.consumer("thief")];
    await queue.push({ id: "x" });
    const task = await queue.take(owner);
    await queue.redis.xclaim(queue.stream, "workers", "thief", 0, task.entryId);
    assert.deepEqual(await owner.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
    const other = resultOf(task, { output: "other" });
    assert.deepEqual(await thief.settle([{ task, result: other, runtimeMs: 1 }]), [false]);
    const [outcome] = await queue.results.read(["x"]);
    assert(outcome?.state === "settled");
    const stats = await queue.stats();
    assert.deepEqual([outcome.result.output, stats.late, stats["live:k"]], ["done", "1", "0"]);
  });

  it("settle: takes an entry that stands twice in one call once", async () => {
    const owner = queue.consumer("owner");
    await queue.push({ id: "x" });
    const task = await queue.take(owner);
    const results = ["first", "second"].map((output) => resultOf(task, { output }));
    const done = await owner.settle(results.map((result) => ({ task, result, runtimeMs: 3 })));
    assert.deepEqual(done, [true, false]);
    const [outcome] = await queue.results.read(["x"]);
    assert(outcome?.state === "settled");
    const stats = await queue.stats();
    const counted = ["live:k", "task:k:k:success", "runtime-ms:k:k:success", "late"].map(
      (field) => stats[field],
    );
    assert.deepEqual([outcome.result.output, ...counted], ["first", "0", "1", "3", "1"]);
  });

  it("settle: keeps the result of a task whose entry somebody deleted, beside one that was taken back", async () => {
    const { old, stale } = await takenBack();
    const [reclaimed] = await queue.redis.xrange(queue.stream, "-", "+");
    await queue.push({ id: "y" });
    const fresh = await old.read(5, 20);
    const deleted = fresh.find(({ id }) => id === "y") ?? assert.fail("y was not read");
    await queue.redis.xdel(queue.stream, deleted.entryId);
    const items = [stale, deleted].map((task) => ({ task, result: resultOf(task), runtimeMs: 7 }));
    assert.deepEqual(await old.settle(items), [false, true]);
    assert.deepEqual(await queue.redis.hgetall(queue.keys.index), { x: reclaimed?.[0] });
    const stats = await queue.stats();
    const counted = ["late", "live:k", "task:k:k:success", "runtime-ms:k:k:success"].map(
      (field) => stats[field],
    );
    assert.deepEqual(counted, ["1", "1", "1", "7"]);
    assert.deepEqual(await queue.redis.xlen(queue.stream), 1);
  });

  it("heartbeat: tells the old owner what it lost and steals nothing back", async () => {
    const { old, stale } = await takenBack();
    const task = await queue.take(queue.consumer("new"));
    const beat = await old.heartbeat([stale], reportOf("old"));
    assert.deepEqual(beat, {
      lost: [{ stream: queue.stream, priority: "normal", entryId: stale.entryId }],
      cancelled: [],
      paused: false,
    });
    const pending = await queue.redis.xpending(queue.stream, "workers", "-", "+", 10);
    assert.deepEqual(
      pending.map((entry) => (entry as unknown[]).slice(0, 2)),
      [[task.entryId, "new"]],
    );
    // The delivery count is part of the fence, so a heartbeat must not raise it.
    assert.equal((pending[0] as unknown[])[3], 1);
  });

  it("heartbeat: renews what is held, entry by entry, also for more than one lookup page", async () => {
    const owner = queue.consumer("owner");
    await queue.producer.enqueue(Array.from({ length: 1_203 }, (_, n) => ({ kind: "k", payload: n })));
    const tasks = await owner.read(1_203, 20);
    assert.equal(tasks.length, 1_203);
    const gone = [...tasks.slice(0, 3), ...tasks.slice(1_200)];
    await owner.release(gone);
    const beat = await owner.heartbeat(tasks, reportOf("owner"));
    assert.deepEqual(
      beat.lost,
      gone.map(({ stream, priority, entryId }) => ({ stream, priority, entryId })),
    );
  });

  it("settles a large batch of which some are lost, each by itself", async () => {
    const owner = queue.consumer("owner");
    await queue.producer.enqueue(
      Array.from({ length: 1_100 }, (_, n) => ({ kind: "k", payload: n, id: `t${n}` })),
    );
    const tasks = await owner.read(1_100, 20);
    const lost = new Set([0, 499, 500, 750, 1_099]);
    await owner.release(tasks.filter((_, n) => lost.has(n)));
    const done = await owner.settle(tasks.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })));
    assert.deepEqual(
      done,
      tasks.map((_, n) => !lost.has(n)),
    );
    assert.equal(await queue.redis.xlen(queue.stream), lost.size);
    assert.equal((await queue.stats())["live:k"], String(lost.size));
    assert.equal((await queue.stats()).late, String(lost.size));
  });
});

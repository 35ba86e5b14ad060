import assert from "node:assert/strict";
import { age, errorOf, LEASE_OVER, reportOf, resultOf, type TestQueue, withQueue } from "../support/queue.ts";

describe("reclaim", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("takes back what was silent for the lease, and nothing else", async () => {
    const consumer = queue.consumer("w");
    await queue.producer.enqueue(["silent", "fresh", "renewed"].map((id) => ({ kind: "k", payload: 1, id })));
    const [silent, fresh, renewed] = await consumer.read(3, 20);
    assert(silent !== undefined && fresh !== undefined && renewed !== undefined);
    await age(queue, silent, "w", 60_000);
    await age(queue, renewed, "w", 60_000);
    await consumer.heartbeat([renewed], reportOf("w"));
    const taken = await queue.keeper.reclaim({ leaseMs: 45_000, maxDeliveries: 5 });
    assert.deepEqual(taken, { requeued: ["silent"], buried: [], cancelled: [] });
    assert.equal((await queue.stats()).reclaimed, "1");
    assert.equal((await queue.stats())["live:k"], "3");
  });

  it("keeps attempts, history and options, and counts deliveries", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x", maxAttempts: 4, payload: [1] });
    const first = await queue.take(consumer);
    await consumer.retry([{ task: first, error: errorOf(first), delayMs: 0, runtimeMs: 1 }]);
    await queue.take(consumer);
    await queue.keeper.reclaim(LEASE_OVER);
    const again = await queue.take(consumer);
    assert.deepEqual(
      [again.attempts, again.deliveries, again.errors, again.options, again.payloadText, again.enqueuedAt],
      [1, 1, [errorOf(first)], { maxAttempts: 4 }, "[1]", first.enqueuedAt],
    );
  });

  it("takes back far more than one scan", async () => {
    const consumer = queue.consumer("w");
    await queue.producer.enqueue(Array.from({ length: 730 }, (_, n) => ({ kind: "k", payload: n })));
    assert.equal((await consumer.read(730, 20)).length, 730);
    const taken = await queue.keeper.reclaim(LEASE_OVER);
    assert.equal(new Set(taken.requeued).size, 730);
    assert.equal((await consumer.read(1_000, 20)).length, 730);
    assert.equal(await queue.redis.xlen(queue.stream), 730);
  });

  it("requeues as often as the cap allows and dead-letters the next time", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x", payload: { a: 'say "hi"/' }, timeoutMs: 3 });
    const limit = { leaseMs: 0, maxDeliveries: 3 };
    for (let delivery = 1; delivery <= 3; delivery++) {
      await queue.take(consumer);
      const taken = await queue.keeper.reclaim(limit);
      assert.deepEqual(taken, { requeued: ["x"], buried: [], cancelled: [] }, `delivery ${delivery}`);
    }
    const last = await queue.take(consumer);
    assert.equal(last.deliveries, 3);
    assert.deepEqual(await queue.keeper.reclaim(limit), { requeued: [], buried: ["x"], cancelled: [] });
    const [letter] = await queue.letters.list();
    assert(letter !== undefined);
    const why = "its workers died or fell silent 4 times (at most 3 are allowed)";
    assert.deepEqual(letter, {
      v: 1,
      id: "x",
      kind: "k",
      payload: JSON.stringify({ a: 'say "hi"/' }),
      options: '{"timeoutMs":3}',
      enqueued_at: last.enqueuedAt,
      attempts: 0,
      deliveries: 4,
      errors: [{ attempt: 0, at: letter.buried_at, message: why, reason: "poison", worker_id: "" }],
      message: `Moved to DLQ: ${why}`,
      buried_at: letter.buried_at,
    });
    const stats = await queue.stats();
    assert.deepEqual(
      [stats.poisoned, stats.reclaimed, stats["live:k"], stats["task:k:k:dead"], stats["fail:k:poison"]],
      ["1", "4", "0", "1", "1"],
    );
    assert.deepEqual(
      [await queue.redis.xlen(queue.stream), await queue.redis.exists(queue.keys.index)],
      [0, 0],
    );
  });

  it("keeps earlier errors when it dead-letters", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    const task = await queue.take(consumer);
    await consumer.retry([{ task, error: errorOf(task, "earlier"), delayMs: 0, runtimeMs: 1 }]);
    await queue.take(consumer);
    await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 0 });
    const [letter] = await queue.letters.list();
    assert.deepEqual(
      letter?.errors.map(({ reason }) => reason),
      ["handler", "poison"],
    );
  });

  it("handler failures do not count as deliveries, nor deliveries as attempts", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    for (let attempt = 0; attempt < 8; attempt++) {
      const task = await queue.take(consumer);
      assert.deepEqual([task.attempts, task.deliveries], [attempt, 0]);
      await consumer.retry([{ task, error: errorOf(task), delayMs: 0, runtimeMs: 1 }]);
    }
    await queue.take(consumer);
    assert.deepEqual((await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 1 })).requeued, ["x"]);
  });

  describe("entries that no producer of this queue wrote", () => {
    /** Adds entries by hand between two good tasks and lets a worker that dies take all. */
    async function takeAmongGood(foreign: readonly (readonly string[])[]): Promise<string[]> {
      await queue.push({ id: "before" });
      const added: string[] = [];
      for (const fields of foreign) added.push(String(await queue.redis.xadd(queue.stream, "*", ...fields)));
      await queue.push({ id: "after" });
      await queue.redis.xreadgroup("GROUP", "workers", "died", "COUNT", 9, "STREAMS", queue.stream, ">");
      return added;
    }

    it("are handed on under their entry's id, and double no other", async () => {
      await queue.producer.ensureGroup();
      const odd = [["foo", "bar"], [..."v x kind k payload 1 attempts y deliveries z".split(" ")]];
      const [bare, garbled] = await takeAmongGood(odd);
      assert(bare !== undefined && garbled !== undefined);
      const all = ["before", bare, garbled, "after"];
      for (const deliveries of ["1", "2"]) {
        const taken = await queue.keeper.reclaim(LEASE_OVER);
        assert.deepEqual(taken, { requeued: all, buried: [], cancelled: [] });
        const entries = await queue.redis.xrange(queue.stream, "-", "+");
        assert.deepEqual(
          entries.map(([, fields]) => fields[fields.indexOf("deliveries") + 1]),
          all.map(() => deliveries),
        );
        assert.deepEqual(entries[1]?.[1], ["foo", "bar", "deliveries", deliveries, "id", bare]);
        await queue.redis.xreadgroup("GROUP", "workers", "died", "COUNT", 9, "STREAMS", queue.stream, ">");
      }
    });

    it("are read, whatever they hold, and stop nobody", async () => {
      const odd = [["foo", "bar"], [..."id x kind k payload 1 options null errors {".split(" ")]];
      await queue.producer.ensureGroup();
      const [bare] = await takeAmongGood(odd);
      await queue.keeper.reclaim(LEASE_OVER);
      const tasks = await queue.consumer("w").read(9, 20);
      const [, first, second] = tasks;
      assert(first !== undefined && second !== undefined);
      assert.equal(tasks.length, 4);
      assert.deepEqual([first.id, first.kind, first.attempts, first.deliveries], [bare, "", 0, 1]);
      assert.deepEqual(JSON.parse(first.payloadText), ["foo", "bar", "deliveries", "1", "id", bare]);
      assert.deepEqual([second.id, second.payloadText, second.options, second.errors], ["x", "1", {}, []]);
    });

    it("end as dead letters that hold all they held", async () => {
      const odd = [["foo", "bar"], [..."id x kind k payload 1 attempts y errors {".split(" ")]];
      await queue.producer.ensureGroup();
      const [bare] = await takeAmongGood(odd);
      const taken = await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 0 });
      assert.deepEqual(taken.buried, ["before", bare, "x", "after"]);
      const [first, second] = await queue.letters.byIds([String(bare), "x"]);
      assert.deepEqual(JSON.parse(String(first?.payload)), ["foo", "bar", "deliveries", "1"]);
      assert.deepEqual([second?.payload, second?.attempts, second?.errors.length], ["1", 0, 1]);
    });
  });

  it("finds nothing where there is no queue yet", async () => {
    assert.deepEqual(await queue.keeper.reclaim(LEASE_OVER), { requeued: [], buried: [], cancelled: [] });
    assert.deepEqual(await queue.keeper.promote(5), { promoted: 0, nextDueMs: null });
    assert.equal(await queue.redis.exists(queue.stream), 0);
  });

  it("wakes whoever waits when it dead-letters", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    await queue.take(consumer);
    const waiting = queue.results.wait(["x"]);
    await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 0 });
    assert.equal((await waiting).get("x")?.state, "dead");
  });

  it("goes on after the whole Redis was emptied", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    const task = await queue.take(consumer);
    await queue.redis.del(queue.stream, queue.keys.index);
    assert.deepEqual(await queue.keeper.reclaim(LEASE_OVER), { requeued: [], buried: [], cancelled: [] });
    const { stream, priority, entryId } = task;
    assert.deepEqual((await consumer.heartbeat([task], reportOf("w"))).lost, [{ stream, priority, entryId }]);
    assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [false]);
    assert.deepEqual(await consumer.release([task]), [false]);
    await queue.push({ id: "y" });
    assert.equal((await queue.take(consumer)).id, "y");
  });
});

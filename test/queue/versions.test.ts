import assert from "node:assert/strict";
import { LEASE_OVER, openQueue, resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import { startRedis } from "../support/redis-server.ts";

describe("entries of a newer format", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  /** What a newer producer might write: other order, a field that this version does not know. */
  const FIELDS = [
    ...["v", "2", "class", "gpu", "id", "new", "kind", "k", "payload", "{}", "options", ""],
    ...["at", "1", "attempts", "0", "deliveries", "0", "errors", ""],
  ];

  async function pushNewer(): Promise<void> {
    const entry = await queue.redis.xadd(queue.stream, "*", ...FIELDS);
    await queue.redis.hset(queue.keys.index, "new", String(entry));
  }

  it("are handed back whole, held back for a while, and counted", async () => {
    const consumer = queue.consumer("old");
    await pushNewer();
    await queue.push({ id: "mine" });
    assert.deepEqual(
      (await consumer.read(5, 20)).map(({ id }) => id),
      ["mine"],
    );
    assert.deepEqual(await consumer.read(5, 20), []);
    assert.equal((await queue.stats())["newer-version"], "1");
    const [now] = await queue.redis.time();
    const due = Number(await queue.redis.zscore(queue.keys.due, "new"));
    assert(due > Number(now) * 1000, "it is not due yet");
    assert.equal(await queue.redis.hget(queue.keys.index, "new"), "due");

    await queue.redis.zadd(queue.keys.due, 1, "new");
    await queue.keeper.promote(5);
    const entries = await queue.redis.xrange(queue.stream, "-", "+");
    assert.deepEqual(entries.at(-1)?.[1], FIELDS);
  });

  it("are taken back from dead newer workers without being judged", async () => {
    await pushNewer();
    await queue.producer.ensureGroup();
    await queue.redis.xreadgroup("GROUP", "workers", "newer", "COUNT", 1, "STREAMS", queue.stream, ">");
    const taken = await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 0 });
    assert.deepEqual(taken, { requeued: ["new"], buried: [], cancelled: [] });
    const [entry] = await queue.redis.xrange(queue.stream, "-", "+");
    const expected = FIELDS.with(FIELDS.indexOf("deliveries") + 1, "1");
    assert.deepEqual(entry?.[1], expected);
  });
});

describe("a server that forgot", () => {
  it("its scripts, at a restart: the queue goes on with its data", async () => {
    const first = await startRedis();
    const queue = openQueue(first);
    const consumer = queue.consumer("w");
    await queue.push({ id: "before" });
    const task = await queue.take(consumer);
    await first.client.script("FLUSH");
    assert.equal(await queue.push({ id: "between" }), "between");
    assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
    await first.client.script("FLUSH");
    assert.deepEqual(await Promise.all([queue.push({ id: "a" }), queue.push({ id: "b" })]), ["a", "b"]);
    assert.deepEqual((await consumer.read(5, 20)).length, 3);
    queue.close();
    await first.stop();
  });

  it("its group and data: the worker makes the group again", async () => {
    const server = await startRedis();
    const queue = openQueue(server);
    const consumer = queue.consumer("w");
    assert.deepEqual(await consumer.read(1, 20), []);
    await server.client.flushall();
    await queue.push({ id: "x" });
    assert.equal((await queue.take(consumer)).id, "x");
    await queue.keeper.reclaim(LEASE_OVER);
    assert.equal((await queue.take(consumer)).deliveries, 1);
    queue.close();
    await server.stop();
  });
});

import assert from "node:assert/strict";
import type { Priority } from "../../worker/contract/priorities.ts";
import { Purge } from "../../worker/src/adapters/redis/purge.ts";
import { backlog, depth } from "../../worker/src/adapters/redis/queue-status.ts";
import {
  BLOCK_MS,
  bury,
  errorOf,
  LEASE_OVER,
  reportOf,
  resultOf,
  type TestQueue,
  withQueue,
} from "../support/queue.ts";

describe("priorities", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  /** Pushes so many tasks; their ids are `h0`, `n0`, `l0` and so on. */
  async function fill(counts: Readonly<Record<Priority, number>>): Promise<void> {
    const tasks = (Object.entries(counts) as [Priority, number][]).flatMap(([priority, count]) =>
      Array.from({ length: count }, (_, n) => ({
        kind: "k",
        payload: n,
        priority,
        id: `${priority[0]}${n}`,
      })),
    );
    await queue.producer.enqueue(tasks);
  }

  it("stand in streams of their own, and count together", async () => {
    await fill({ high: 2, normal: 3, low: 1 });
    const lengths = [queue.keys.high, queue.stream, queue.keys.low].map((key) => queue.redis.xlen(key));
    assert.deepEqual(await Promise.all(lengths), [2, 3, 1]);
    assert.equal(await backlog(queue.redis, queue.stream), 6);
    const { waiting, waitingBy } = await depth(queue.redis, queue.stream);
    assert.deepEqual([waiting, waitingBy], [6, { high: 2, normal: 3, low: 1 }]);
    assert.equal((await queue.stats())["live:k"], "6");
  });

  it("are answered in the order of the push, whatever their streams", async () => {
    const pushed = await queue.producer.enqueue([
      { kind: "k", payload: 1, id: "a", priority: "low" },
      { kind: "k", payload: 2, id: "b", priority: "high" },
      { kind: "k", payload: 3, id: "c" },
      { kind: "k", payload: 4, id: "a", priority: "high" },
    ]);
    assert.deepEqual(pushed.map(({ id, state }) => `${id} ${state}`).sort(), [
      "a duplicate",
      "a waiting",
      "b waiting",
      "c waiting",
    ]);
    assert.deepEqual(
      pushed.map(({ id }) => id),
      ["a", "b", "c", "a"],
    );
  });

  it("share a busy worker six to three to one, each in its own order", async () => {
    await fill({ high: 50, normal: 50, low: 50 });
    const taken = await queue.consumer("w").read(20, BLOCK_MS);
    const of = (letter: string) => taken.flatMap(({ id }) => (id.startsWith(letter) ? [id] : []));
    assert.deepEqual(
      of("h"),
      Array.from({ length: 12 }, (_, n) => `h${n}`),
    );
    assert.deepEqual(
      of("n"),
      Array.from({ length: 6 }, (_, n) => `n${n}`),
    );
    assert.deepEqual(of("l"), ["l0", "l1"]);
  });

  it("starve nobody where one task is taken at a time", async () => {
    await fill({ high: 100, normal: 100, low: 100 });
    const consumer = queue.consumer("w");
    let letters = "";
    for (let n = 0; n < 20; n++) letters += (await queue.take(consumer)).id[0];
    assert.equal(letters, "hnhhnhlhnhhnhhnhlhnh");
  });

  it("leave turns that they cannot use to the others, and never take more than asked", async () => {
    await fill({ high: 1, normal: 30, low: 2 });
    const taken = await queue.consumer("w").read(20, BLOCK_MS);
    const letters = taken.map(({ id }) => id[0]).sort();
    assert.equal(letters.join(""), `h${"ll"}${"n".repeat(17)}`);
  });

  it("are kept through retry, release, reclaim and a dead letter's requeue", async () => {
    await fill({ high: 1, normal: 0, low: 0 });
    const consumer = queue.consumer("w");
    const high = () => queue.redis.xlen(queue.keys.high);
    const take = async () => {
      const task = await queue.take(consumer);
      assert.deepEqual([task.id, task.priority, task.options], ["h0", "high", { priority: "high" }]);
      return task;
    };
    let task = await take();
    assert.deepEqual(await consumer.retry([{ task, error: errorOf(task), delayMs: 0, runtimeMs: 1 }]), [
      true,
    ]);
    task = await take();
    await consumer.retry([{ task, error: errorOf(task), delayMs: 60_000, runtimeMs: 1 }]);
    assert.equal(await high(), 0);
    await queue.redis.zadd(queue.keys.due, 1, "h0");
    assert.equal((await queue.keeper.promote(10)).promoted, 1);
    task = await take();
    assert.deepEqual(await consumer.release([task]), [true]);
    task = await take();
    assert.deepEqual((await queue.keeper.reclaim(LEASE_OVER)).requeued, ["h0"]);
    task = await take();
    assert.deepEqual([task.attempts, task.deliveries], [2, 1]);
    assert.deepEqual(await consumer.bury([{ task, error: errorOf(task), runtimeMs: 1 }]), [true]);
    assert.deepEqual(await queue.letters.requeueIds(["h0"]), [{ id: "h0", state: "requeued" }]);
    assert.equal(await high(), 1);
    task = await take();
    assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
    assert.equal(await backlog(queue.redis, queue.stream), 0);
    assert.equal((await queue.stats())["live:k"], "0");
  });

  it("hold the time of the push when a task is put back", async () => {
    await fill({ high: 0, normal: 0, low: 1 });
    const consumer = queue.consumer("w");
    const first = await queue.take(consumer);
    assert.equal(first.enqueuedAt, Number.parseInt(first.entryId, 10));
    await consumer.release([first]);
    await queue.redis.xadd(queue.keys.low, "*", "other", "entry");
    const again = await queue.take(consumer);
    assert.equal(again.enqueuedAt, first.enqueuedAt);
  });

  it("are found by a cancel, waiting and running", async () => {
    await fill({ high: 2, normal: 1, low: 1 });
    const consumer = queue.consumer("w");
    const task = await queue.take(consumer);
    assert.equal(task.id, "h0");
    assert.deepEqual(await queue.producer.cancel(["h0", "h1", "n0", "l0"]), [
      "requested",
      "cancelled",
      "cancelled",
      "cancelled",
    ]);
    assert.equal(await backlog(queue.redis, queue.stream), 1);
    const beat = await consumer.heartbeat([task], reportOf("w"));
    assert.deepEqual([beat.lost, beat.cancelled], [[], [{ stream: queue.stream, id: "h0" }]]);
  });

  it("of entries with one id are told apart", async () => {
    const same = "77-1";
    for (const [key, id] of [
      [queue.keys.high, "a"],
      [queue.stream, "b"],
    ] as const)
      await queue.redis.xadd(key, same, "id", id, "kind", "k", "payload", "1");
    const consumer = queue.consumer("w");
    const tasks = await consumer.read(10, BLOCK_MS);
    assert.deepEqual(
      tasks.map(({ id, priority, entryId }) => [id, priority, entryId]),
      [
        ["a", "high", same],
        ["b", "normal", same],
      ],
    );
    const ofA = tasks.filter(({ id }) => id === "a");
    const settled = await consumer.settle(
      ofA.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })),
    );
    assert.deepEqual(settled, [true]);
    const beat = await consumer.heartbeat(tasks, reportOf("w"));
    assert.deepEqual(beat.lost, [{ stream: queue.stream, priority: "high", entryId: same }]);
  });

  it("are all forgotten with a worker that ends", async () => {
    await fill({ high: 1, normal: 0, low: 1 });
    const consumer = queue.consumer("w");
    const tasks = await consumer.read(10, BLOCK_MS);
    await consumer.settle(tasks.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })));
    await consumer.close();
    for (const key of [queue.keys.high, queue.stream, queue.keys.low])
      assert.deepEqual(await queue.redis.xinfo("CONSUMERS", key, "workers"), [], key);
  });

  it("are all purged", async () => {
    await fill({ high: 2, normal: 1, low: 3 });
    const order = {
      states: new Set(["waiting"] as const),
      olderThanMs: 0,
      dryRun: false,
      resultTtlSeconds: 60,
    };
    const purged = await new Purge(queue.redis, queue.stream, order).run();
    assert.deepEqual(purged.get("k"), { waiting: 6, delayed: 0, dead: 0 });
    assert.equal(await backlog(queue.redis, queue.stream), 0);
    assert.equal(await queue.redis.hlen(queue.keys.index), 0);
  });

  it("wait for a task of any", async () => {
    const consumer = queue.consumer("w");
    const read = consumer.read(10, 10_000);
    await queue.push({ id: "x", priority: "low" });
    assert.deepEqual(
      (await read).map(({ id, priority }) => [id, priority]),
      [["x", "low"]],
    );
    assert.equal(await bury(queue, consumer, { priority: "low" }).then((id) => id.length), 36);
  });
});

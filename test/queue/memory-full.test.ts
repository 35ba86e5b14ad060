import assert from "node:assert/strict";
import { KindLimiter, ParkedTasks } from "../../worker/src/adapters/redis/kind-limits.ts";
import { LeaderLease } from "../../worker/src/adapters/redis/lease.ts";
import { depth, setPaused } from "../../worker/src/adapters/redis/queue-status.ts";
import { QueueFullError } from "../../worker/src/core/errors.ts";
import { scaledQueue } from "../../worker/src/spawner/redis-queue.ts";
import { age, errorOf, LEASE_OVER, openQueue, reportOf, resultOf, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

describe("memory full", () => {
  let server: TestRedis;
  let queue: TestQueue;
  beforeEach(async () => {
    server = await startRedis(["--maxmemory", "6mb"]);
    queue = openQueue(server);
  });
  afterEach(async () => {
    queue.close();
    await server.stop();
  });

  /** Pushes until the queue refuses. */
  async function fill(): Promise<void> {
    for (let n = 0; ; n++) {
      try {
        await queue.producer.enqueue([{ kind: "filler", payload: "x".repeat(20_000), id: `filler${n}` }]);
      } catch (error) {
        assert(error instanceof QueueFullError);
        assert.deepEqual(error.enqueued, []);
        assert.match(error.message, /^the queue queue-\d+-\d+ is full: Redis is at its memory limit/);
        assert.equal(await queue.redis.hexists(queue.keys.index, `filler${n}`), 0);
        return;
      }
      if (n > 10_000) assert.fail("never full");
    }
  }

  it("refuses new tasks only; everything else still works", async () => {
    const consumer = queue.consumer("w");
    const lost = queue.consumer("lost");
    const ids = ["settle", "retry", "bury", "release", "cancel"];
    await queue.producer.enqueue([...ids, "lost", "poison"].map((id) => ({ kind: "k", payload: 1, id })));
    const tasks = await consumer.read(5, 20);
    const gone = await lost.read(2, 20);
    assert.deepEqual(
      tasks.map(({ id }) => id),
      ids,
    );
    await queue.push({ id: "delayed", delayMs: 60_000 });
    await queue.redis.zadd(queue.keys.due, 1, "delayed");
    await fill();
    // Well beyond it: what Redis frees of its buffers meanwhile makes no room.
    await server.client.config("SET", "maxmemory", "5mb");

    const [settle, retry, toBury, release, cancel] = tasks;
    assert(settle !== undefined && retry !== undefined && toBury !== undefined);
    assert(release !== undefined && cancel !== undefined);
    await queue.producer.ensureGroup();
    assert.deepEqual((await consumer.heartbeat(tasks, reportOf("w"))).lost, []);
    assert.deepEqual(await consumer.settle([{ task: settle, result: resultOf(settle), runtimeMs: 1 }]), [
      true,
    ]);
    assert.deepEqual(
      await consumer.retry([{ task: retry, error: errorOf(retry), delayMs: 60_000, runtimeMs: 1 }]),
      [true],
    );
    assert.deepEqual(await consumer.bury([{ task: toBury, error: errorOf(toBury), runtimeMs: 1 }]), [true]);
    assert.deepEqual(await consumer.release([release]), [true]);
    assert.deepEqual(await queue.producer.cancel(["cancel", "release"]), ["requested", "cancelled"]);
    for (const task of gone) await age(queue, task, "lost", 60_000);
    const taken = await queue.keeper.reclaim({ leaseMs: 45_000, maxDeliveries: 5 });
    assert.deepEqual(taken.requeued, ["lost", "poison"]);
    assert.equal((await queue.keeper.promote(10)).promoted, 1);
    const lease = new LeaderLease(queue.redis, queue.keys.leader, "me", 10_000);
    assert.equal(await lease.acquireOrRenew(), true);
    assert.equal(await queue.workers.recordExit("lost", "error"), true);
    const decided = { desired: 4, reason: "backlog", idleSinceMs: null, decidedAtMs: 1 } as const;
    const record = { ...decided, pending: 8, busyWorkers: 0, liveWorkers: 0, address: "" };
    const scaled = scaledQueue(queue.redis, queue.stream);
    await scaled.writeRecord(record);
    assert.deepEqual(await scaled.readRecord(), record);
    await queue.keeper.publishKinds([{ kind: "k", version: "1", description: "", payload: {} }]);
    assert.equal(await setPaused(queue.redis, queue.stream, true), true);
    assert.equal(await setPaused(queue.redis, queue.stream, false), true);
    assert.equal((await depth(queue.redis, queue.stream)).deadLetters, 1);

    await assert.rejects(queue.push({ id: "still full" }), QueueFullError);
    await assert.rejects(queue.letters.requeueIds(["bury"]), QueueFullError);
    assert.equal((await queue.letters.list()).length, 1);

    // A worker can still take and end what waits, so the queue drains.
    const backlog = await consumer.read(10_000, 20);
    const done = await consumer.settle(
      backlog.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })),
    );
    assert.deepEqual(new Set(done), new Set([true]));
    assert.equal(await queue.push({ id: "room again" }), "room again");
    assert.deepEqual(await queue.letters.requeueIds(["bury"]), [{ id: "bury", state: "requeued" }]);
  });

  it("tells which tasks of a large push are in, and pushing it again completes it", async () => {
    const tasks = Array.from({ length: 3_000 }, (_, n) => ({
      kind: "k",
      payload: "x".repeat(4_000),
      id: `t${n}`,
    }));
    const error = await queue.producer.enqueue(tasks).catch((refused: unknown) => refused);
    assert(error instanceof QueueFullError);
    assert(error.enqueued.length > 0 && error.enqueued.length < 3_000, `${error.enqueued.length} are in`);
    const index = new Set(await queue.redis.hkeys(queue.keys.index));
    assert.deepEqual(new Set(error.enqueued), index);
    assert.equal(await queue.redis.xlen(queue.stream), index.size);

    await server.client.config("SET", "maxmemory", "100mb");
    const again = await queue.producer.enqueue(tasks);
    assert.deepEqual(
      again.map(({ state }) => state),
      tasks.map(({ id }) => (index.has(id) ? "duplicate" : "waiting")),
    );
    assert.equal(await queue.redis.xlen(queue.stream), 3_000);
  });

  it("lets tasks of limited kinds be parked, called and taken back", async () => {
    const laws = new Map([["k", { concurrency: 1, rate: { tasks: 100, perMs: 3_600_000 } }]]);
    const consumer = queue.consumer("w");
    const limiter = new KindLimiter(queue.redis, "w", laws);
    const parked = new ParkedTasks(queue.redis, queue.stream, laws);
    await queue.producer.enqueue(["a", "b", "c"].map((id) => ({ kind: "k", payload: 1, id })));
    const tasks = await consumer.read(3, 20);
    await fill();
    const said = [];
    for (const task of tasks) said.push(await limiter.admit(task));
    assert.deepEqual(said, ["admitted", "parked", "parked"]);
    const [a] = tasks;
    assert(a !== undefined);
    assert.deepEqual(await consumer.settle([{ task: a, result: resultOf(a), runtimeMs: 1 }]), [true]);
    assert.equal(await limiter.ended(a), 1);
    const [b] = await consumer.read(1, 20);
    assert(b !== undefined);
    assert.equal(await limiter.admit(b), "admitted");
    await queue.keeper.reclaim(LEASE_OVER);
    await parked.sweep();
    const again = (await consumer.read(10_000, 20)).filter(({ kind }) => kind === "k");
    assert.deepEqual(
      again.map(({ id }) => id),
      ["b", "c"],
    );
    assert.deepEqual(await queue.producer.cancel(["c"]), ["requested"]);
    assert.equal((await depth(queue.redis, queue.stream)).parked, 0);
  });
});

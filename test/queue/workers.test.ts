import assert from "node:assert/strict";
import { LeaderLease } from "../../worker/src/adapters/redis/lease.ts";
import { depth, readKinds, readStats } from "../../worker/src/adapters/redis/queue-status.ts";
import { readSnapshot, scaledQueue } from "../../worker/src/spawner/redis-queue.ts";
import {
  age,
  BLOCK_MS,
  bury,
  CLEAN,
  reportOf,
  type TestQueue,
  waitingNormally,
  withQueue,
} from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";

describe("workers", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  const consumers = async () => {
    const found = (await queue.redis.xinfo("CONSUMERS", queue.stream, "workers")) as unknown[][];
    return found.map((info) => String(info[1])).sort();
  };

  it("lists the last report of each, with what it holds", async () => {
    const a = queue.consumer("a");
    const b = queue.consumer("b");
    await queue.producer.enqueue([1, 2, 3].map((n) => ({ kind: "k", payload: n })));
    const tasks = await a.read(2, BLOCK_MS);
    await a.heartbeat([], reportOf("a", { state: "idle" }));
    await a.heartbeat(tasks, reportOf("a", { state: "busy", running: { k: 2 } }));
    await b.heartbeat([], reportOf("b"));
    const [seconds] = await queue.redis.time();
    const list = await queue.workers.list();
    assert.deepEqual(
      list.map(({ seen_at: _, ...rest }) => rest),
      [
        { ...reportOf("a", { state: "busy", running: { k: 2 } }), holding: 2 },
        { ...reportOf("b"), holding: 0 },
      ],
    );
    for (const { seen_at } of list) assert(Math.abs(seen_at - Number(seconds) * 1000) < 60_000);
  });

  it("counts those that report and take tasks: a draining one takes none", async () => {
    const { reporting } = scaledQueue(queue.redis, queue.stream);
    await queue.consumer("a").heartbeat([], reportOf("a", { state: "draining" }));
    assert.equal(await reporting(60_000), 0);
    await queue.consumer("b").heartbeat([], reportOf("b", { state: "busy" }));
    assert.equal(await reporting(60_000), 1);
    await queue.redis.zadd(queue.keys.workersSeen, 1, "b");
    assert.equal(await reporting(60_000), 0);
  });

  it("lists nobody where nobody ever was", async () => {
    assert.deepEqual(await queue.workers.list(), []);
  });

  it("remembers most workers at once, not in all", async () => {
    await queue.consumer("a").heartbeat([], reportOf("a"));
    await queue.consumer("b").heartbeat([], reportOf("b"));
    await queue.workers.recordExit("a", "idle");
    await queue.consumer("c").heartbeat([], reportOf("c"));
    await queue.consumer("c").heartbeat([], reportOf("c"));
    assert.equal((await queue.stats())["max-workers"], "2");
    await queue.consumer("d").heartbeat([], reportOf("d"));
    assert.equal((await readStats(queue.redis, queue.stream))["max-workers"], 3);
    // With a long lease heartbeats are minutes apart.
    await queue.redis.zadd(queue.keys.workersSeen, 1, "b");
    await queue.consumer("e").heartbeat([], reportOf("e"));
    assert.equal((await queue.stats())["max-workers"], "4");
  });

  it("counts an exit once, whoever reports it, and drops the report", async () => {
    await queue.consumer("a").heartbeat([], reportOf("a"));
    assert.equal(await queue.workers.recordExit("a", "signal"), true);
    assert.equal(await queue.workers.recordExit("a", "error"), false);
    assert.equal(await queue.workers.recordExit("b", "error"), true);
    assert.deepEqual(await queue.workers.list(), []);
    const { "exit:signal": signal, "exit:error": error } = await queue.stats();
    assert.deepEqual([signal, error], ["1", "1"]);
  });

  it("a worker that ends leaves no consumer, unless it holds tasks", async () => {
    const empty = queue.consumer("empty");
    const holding = queue.consumer("holding");
    await queue.push({ id: "x" });
    await queue.take(holding);
    await empty.read(1, BLOCK_MS);
    await empty.heartbeat([], reportOf("empty"));
    await empty.close();
    await holding.close();
    assert.deepEqual(await consumers(), ["holding"]);
    assert.deepEqual(await queue.workers.list(), []);
    assert.deepEqual((await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 5 })).requeued, ["x"]);
  });

  it("closes where there is no group", async () => {
    await queue.consumer("w").close();
    assert.equal(await queue.redis.exists(queue.stream), 0);
  });

  it("forgets silent consumers, but none that holds tasks or reports", async () => {
    const holding = queue.consumer("holding");
    await queue.push({ id: "x" });
    const task = await queue.take(holding);
    for (const name of ["silent", "reports"]) {
      await bury(queue, queue.consumer(name));
    }
    await queue.consumer("reports").heartbeat([], reportOf("reports"));
    await age(queue, task, "holding", 60_000);
    assert.deepEqual(await queue.keeper.forgetConsumers(3_600_000), []);
    // Consumers cannot be aged: wait until all have been silent for a moment, but for one report.
    await queue.redis.zadd(queue.keys.workersSeen, Date.now() + 3_600_000, "reports");
    const silent = await waitFor("silence", async () => {
      const names = await queue.keeper.forgetConsumers(25);
      return names.length > 0 ? names : undefined;
    });
    assert.deepEqual(silent, ["silent"]);
    assert.deepEqual(await consumers(), ["holding", "reports"]);
    assert.deepEqual(
      (await queue.workers.list()).map(({ worker_id }) => worker_id),
      ["reports"],
    );
  });

  it("drops reports of workers that vanished", async () => {
    await queue.consumer("gone").heartbeat([], reportOf("gone"));
    await queue.redis.zadd(queue.keys.workersSeen, 1, "gone");
    await queue.keeper.forgetConsumers(60_000);
    assert.deepEqual(await queue.workers.list(), []);
  });
});

describe("leader lease", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("has one holder at a time, renews, and passes on when released or run out", async () => {
    const { redis, keys } = queue;
    const a = new LeaderLease(redis, keys.leader, "a", 60_000);
    const b = new LeaderLease(redis, keys.leader, "b", 60_000);
    assert.equal(await a.holder(), null);
    assert.deepEqual([await a.acquireOrRenew(), await b.acquireOrRenew()], [true, false]);
    await redis.pexpire(keys.leader, 30_000);
    assert.equal(await a.acquireOrRenew(), true);
    assert((await redis.pttl(keys.leader)) > 30_000, "renewed");
    await b.release();
    assert.equal(await b.holder(), "a");
    await a.release();
    assert.equal(await b.acquireOrRenew(), true);
    await redis.pexpire(keys.leader, 1);
    await waitFor("the lease to run out", async () => (await a.holder()) === null);
    assert.deepEqual([await a.acquireOrRenew(), await b.acquireOrRenew()], [true, false]);
  });
});

describe("queue status", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("is empty where there is no queue", async () => {
    assert.deepEqual(await depth(queue.redis, queue.stream), { ...CLEAN, oldestIdleMs: 0 });
    assert.deepEqual(await readStats(queue.redis, queue.stream), {});
    assert.deepEqual(await readKinds(queue.redis, queue.stream), new Map());
  });

  it("weighs every key of the queue but results", async () => {
    await queue.push({ id: "x" });
    await queue.workers.recordExit("w", "idle");
    await queue.keeper.publishKinds([{ kind: "k", version: "1", description: "", payload: {} }]);
    const { keyMemory } = await readSnapshot(queue.redis, queue.stream, { leaseMs: 1, decision: null });
    const weighed = [...keyMemory].filter(([, bytes]) => bytes > 0).map(([key]) => key);
    const { stream, index, stats, exits, kinds } = queue.keys;
    assert.deepEqual(weighed.sort(), [stream, index, stats, exits, kinds].sort());
    assert.equal(keyMemory.get(queue.keys.workersSeen), 0);
    assert.equal(keyMemory.get(queue.keys.scaling), 0);
  });

  it("tells waiting, running, delayed, due and dead tasks apart", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer);
    await queue.producer.enqueue([1, 2, 3, 4, 5].map((n) => ({ kind: "k", payload: n })));
    const [first] = await consumer.read(2, BLOCK_MS);
    assert(first !== undefined);
    await queue.push({ id: "later", delayMs: 60_000 });
    await queue.push({ id: "due", delayMs: 60_000 });
    await queue.redis.zadd(queue.keys.due, 1, "due");
    await age(queue, first, "w", 3_600_000);
    const { oldestIdleMs, ...rest } = await depth(queue.redis, queue.stream);
    assert.deepEqual(rest, {
      ...CLEAN,
      ...waitingNormally(3),
      running: 2,
      delayed: 2,
      due: 1,
      deadLetters: 1,
    });
    assert(oldestIdleMs >= 3_600_000 && oldestIdleMs < 3_700_000, String(oldestIdleMs));
  });

  it("tells the age of the oldest waiting task, with and without a group", async () => {
    const entry = (id: string) => ["v", "1", "id", id, "kind", "k"];
    const [seconds] = await queue.redis.time();
    const hourAgo = Number(seconds) * 1000 - 3_600_000;
    await queue.redis.xadd(queue.stream, `${hourAgo}-0`, ...entry("x"));
    const within = async () => {
      const { oldestIdleMs } = await depth(queue.redis, queue.stream);
      assert(oldestIdleMs >= 3_600_000 && oldestIdleMs < 3_700_000, String(oldestIdleMs));
    };
    await within();
    await queue.producer.ensureGroup();
    await within();
    assert.equal((await depth(queue.redis, queue.stream)).waiting, 1);
  });

  it("replaces the published kinds as a whole", async () => {
    const kind = (name: string) => ({
      kind: name,
      version: "1",
      description: "d",
      payload: { type: "object" },
    });
    await queue.keeper.publishKinds([kind("a"), kind("b")]);
    await queue.keeper.publishKinds([kind("b"), kind("c")]);
    assert.deepEqual(
      await readKinds(queue.redis, queue.stream),
      new Map([
        ["b", kind("b")],
        ["c", kind("c")],
      ]),
    );
  });
});

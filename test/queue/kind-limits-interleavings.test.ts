import assert from "node:assert/strict";
import fc from "fast-check";
import type { KindLimits } from "../../worker/contract/kind-limits.ts";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import { KindLimiter, ParkedTasks } from "../../worker/src/adapters/redis/kind-limits.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { errorOf, idIn, LEASE_OVER, openQueue, resultOf, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

const HOUR = 3_600_000;
/** Coarse, so that the seconds that a run takes never matter. */
const STEP_MS = HOUR / 3;
const WORKERS = ["w1", "w2", "w3"] as const;
type WorkerName = (typeof WORKERS)[number];

interface Worker {
  readonly consumer: Consumer;
  readonly limiter: KindLimiter;
  /** Read, and not judged yet. */
  waiting: DeliveredTask[];
  /** What its handlers run. */
  running: DeliveredTask[];
}

/** The plain model: what runs where by entry, when something started, and who was seen to wait in which order. */
class World {
  readonly queue: TestQueue;
  readonly limits: KindLimits;
  readonly parked: ParkedTasks;
  readonly workers: Record<WorkerName, Worker>;
  readonly pushed = new Set<string>();
  readonly ends = new Map<string, number>();
  /** Model time of every start. */
  readonly starts: number[] = [];
  nowMs = 0;

  constructor(server: TestRedis, limits: KindLimits) {
    this.queue = openQueue(server);
    this.limits = limits;
    const laws = new Map([["k", limits]]);
    this.parked = new ParkedTasks(this.queue.redis, this.queue.stream, laws);
    const make = (id: WorkerName): Worker => ({
      consumer: this.queue.consumer(id),
      limiter: new KindLimiter(this.queue.redis, id, laws),
      waiting: [],
      running: [],
    });
    this.workers = { w1: make("w1"), w2: make("w2"), w3: make("w3") };
  }

  /** Shifts what Redis remembers of the past. */
  async letPass(ms: number): Promise<void> {
    const { redis, keys } = this.queue;
    this.nowMs += ms;
    const list = `${keys.starts}k`;
    for (const [at, start] of (await redis.lrange(list, 0, -1)).entries())
      await redis.lset(list, at, String(Number(start) - ms));
    const due = Number((await redis.zscore(keys.parkedKinds, "k")) ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(due)) await redis.zadd(keys.parkedKinds, due - ms, "k");
  }

  async admitOne(worker: Worker): Promise<void> {
    const task = worker.waiting.shift();
    if (task === undefined) return;
    if ((await worker.limiter.admit(task)) !== "admitted") return;
    worker.running.push(task);
    this.starts.push(this.nowMs);
  }

  /** A worker that is taken for dead: its tasks are everyone's again, and it knows nothing of it yet. */
  async loseAll(): Promise<void> {
    await this.queue.keeper.reclaim({ ...LEASE_OVER, maxDeliveries: 1_000 });
    for (const worker of Object.values(this.workers)) {
      worker.waiting = [];
      worker.running = [];
    }
    await this.parked.sweep();
  }

  async end(worker: Worker, how: "settle" | "retry" | "release" | "bury", told: boolean): Promise<void> {
    const task = worker.running.shift();
    if (task === undefined) return;
    const { consumer, limiter } = worker;
    const failed = { task, error: errorOf(task), runtimeMs: 1 };
    if (how === "settle") await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    else if (how === "retry") await consumer.retry([{ ...failed, delayMs: 0 }]);
    else if (how === "bury") await consumer.bury([failed]);
    else await consumer.release([task]);
    if (how === "settle" || how === "bury") this.ends.set(task.id, (this.ends.get(task.id) ?? 0) + 1);
    // A worker may die before it gives the slot on.
    if (told) await limiter.ended(task);
  }

  running(): number {
    return Object.values(this.workers).reduce((sum, { running }) => sum + running.length, 0);
  }

  async assertLawful(): Promise<void> {
    const { concurrency, rate } = this.limits;
    if (concurrency !== undefined) assert.ok(this.running() <= concurrency, `${this.running()} run`);
    if (rate !== undefined) {
      const inWindow = this.starts.filter((at) => this.nowMs - at < rate.perMs).length;
      assert.ok(inWindow <= rate.tasks, `${inWindow} starts in the window`);
    }
    const { redis, keys } = this.queue;
    const entries = await redis.xrange(this.queue.stream, "-", "+");
    const high = await redis.xrange(keys.high, "-", "+");
    const idOf = ([entryId, fields]: [string, string[]]) => idIn(entryId, fields);
    const inStream = [...entries, ...high].map(idOf);
    const parked = await redis.zrange(`${keys.parked}k`, "0", "-1");
    const dead = await redis.hkeys(keys.deadLetters);
    const settled = (await redis.keys(`${keys.results}*`)).map((key) => key.slice(keys.results.length));
    assert.deepEqual([...inStream, ...parked, ...dead, ...settled].sort(), [...this.pushed].sort());
    assert.deepEqual((await redis.hkeys(keys.dueEntries)).sort(), [...parked].sort());
    const index = await redis.hgetall(keys.index);
    const expected = [
      ...entries.map((one) => [idOf(one), one[0]]),
      ...high.map((one) => [idOf(one), `high:${one[0]}`]),
      ...parked.map((id) => [id, "parked"]),
    ];
    assert.deepEqual(index, Object.fromEntries(expected));
    assert.equal(Number((await this.queue.stats())["live:k"] ?? 0), inStream.length + parked.length);
    if (parked.length > 0) assert.equal(await redis.exists(keys.parkedKinds), 1, "the line is known of");
  }

  /** Everything that is left ends when workers just work on. */
  async workOff(): Promise<void> {
    const rounds = 10 * (this.pushed.size + 1);
    for (let round = 0; round < rounds; round++) {
      await this.parked.sweep();
      for (const worker of Object.values(this.workers)) {
        worker.waiting.push(...(await worker.consumer.read(3, 1)));
        while (worker.waiting.length > 0) await this.admitOne(worker);
        await this.assertLawful();
        while (worker.running.length > 0) await this.end(worker, "settle", true);
      }
      if ((await this.queue.redis.hlen(this.queue.keys.index)) === 0) return;
      await this.letPass(HOUR);
      await this.parked.promote();
    }
    assert.fail("tasks are left that never start");
  }
}

const worker = fc.constantFrom(...WORKERS);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("push" as const), n: fc.integer({ min: 0, max: 15 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("read" as const), worker }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("admit" as const), worker }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      worker,
      how: fc.constantFrom("settle" as const, "retry" as const, "release" as const, "bury" as const),
      told: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("promote" as const, "sweep" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), steps: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("cancel" as const), n: fc.integer({ min: 0, max: 15 }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function run(world: World, one: Step): Promise<void> {
  switch (one.do) {
    case "push":
      await world.queue.producer.enqueue([{ kind: "k", payload: 1, id: `t${one.n}` }]);
      world.pushed.add(`t${one.n}`);
      return;
    case "read": {
      const reader = world.workers[one.worker];
      reader.waiting.push(...(await reader.consumer.read(3, 1)));
      return;
    }
    case "admit":
      return world.admitOne(world.workers[one.worker]);
    case "end":
      return world.end(world.workers[one.worker], one.how, one.told);
    case "lose":
      return world.loseAll();
    case "promote":
      await world.parked.promote();
      return;
    case "sweep":
      return world.parked.sweep();
    case "pass":
      return world.letPass(one.steps * STEP_MS);
    case "cancel":
      await world.queue.producer.cancel([`t${one.n}`]);
  }
}

const limits = fc.constantFrom<KindLimits>(
  { concurrency: 2 },
  { rate: { tasks: 3, perMs: HOUR } },
  { concurrency: 2, rate: { tasks: 3, perMs: HOUR } },
);

describe("limits of a kind: random interleavings", () => {
  let server: TestRedis;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it("never let more run or start than they allow, lose nothing and let everything start in the end", async function () {
    this.timeout(120_000);
    const steps = fc.array(step, { minLength: 15, maxLength: 50, size: "max" });
    await fc.assert(
      fc.asyncProperty(limits, steps, async (law, all) => {
        const world = new World(server, law);
        try {
          await world.queue.producer.ensureGroup();
          for (const one of all) {
            await run(world, one);
            await world.assertLawful();
          }
          await world.workOff();
          for (const [id, ends] of world.ends) assert.equal(ends, 1, `${id} ended ${ends} times`);
        } finally {
          world.queue.close();
        }
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });
});

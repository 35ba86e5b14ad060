import assert from "node:assert/strict";
import fc from "fast-check";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { errorOf, idIn, openQueue, reportOf, resultOf, type TestQueue } from "../support/queue.ts";
import { Recorded, RunModel } from "../support/recorded.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

const IDS = ["a", "b", "c", "d"];
const WORKERS = ["w1", "w2"] as const;

interface World {
  readonly queue: TestQueue;
  readonly consumers: Readonly<Record<(typeof WORKERS)[number], Consumer>>;
  /** Everything each worker ever took, so that stale owners act too. */
  readonly taken: Record<(typeof WORKERS)[number], DeliveredTask[]>;
  /** Ids that were pushed. */
  readonly pushed: Set<string>;
  /** Ends that the queue accepted: at most one for a push or requeue of an id. */
  readonly finished: Map<string, number>;
  readonly started: Map<string, number>;
  /** What the record is told, and what it makes of it; `null` while it is off. */
  readonly recorded: Recorded | null;
  readonly model: RunModel;
  /** Entries whose beginning was announced and taken. */
  readonly announced: Set<string>;
}

const id = fc.constantFrom(...IDS);
const worker = fc.constantFrom(...WORKERS);
/** Mostly a task that was taken lately, for older ones are stale. */
const nth = fc.constantFrom(0, 0, 0, 1, 1, 2, 4, 8);

/** What somebody may add by hand. */
const foreign = fc.constantFrom(
  ["foo", "bar"],
  ["task", '{"kind": "a", "n": 1}'],
  ["taskfleet", "no-text"],
  ["v", "x", "attempts", "y", "deliveries", "", "errors", "{"],
);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("enqueue" as const), id, delayed: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("read" as const), worker, count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "settle" as const,
        "retry" as const,
        "retry-later" as const,
        "bury" as const,
        "release" as const,
      ),
      worker,
      nth,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("heartbeat" as const), worker }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("reclaim" as const), cap: fc.constantFrom(0, 1, 5) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("promote" as const, "requeue" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("cancel" as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("foreign" as const), fields: foreign }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const bump = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

async function end(world: World, kind: string, consumer: Consumer, task: DeliveredTask): Promise<void> {
  const failed = { task, error: errorOf(task), runtimeMs: 1 };
  const [before] = await world.queue.results.read([task.id]);
  let done: boolean[] = [];
  if (kind === "settle") {
    done = await consumer.settle([{ task, result: resultOf(task, { output: task.entryId }), runtimeMs: 1 }]);
  } else if (kind === "retry") await consumer.retry([{ ...failed, delayMs: 0 }]);
  else if (kind === "retry-later") await consumer.retry([{ ...failed, delayMs: 3_600_000 }]);
  else if (kind === "release") await consumer.release([task]);
  else done = await consumer.bury([failed]);
  // A call that is repeated is accepted, too, and changes nothing.
  if (done[0] === true && before?.state === "open") bump(world.finished, task.id);
}

async function announce(world: World, consumer: Consumer, tasks: DeliveredTask[], workerId: string) {
  const began = new Map(tasks.map((task) => [task, 1_000]));
  const news = { began, progress: new Map() };
  const { lost } = await consumer.heartbeat(tasks, reportOf(workerId), news);
  for (const { entryId } of tasks)
    if (!lost.some((entry) => entry.entryId === entryId)) world.announced.add(entryId);
}

async function run(world: World, step: Step): Promise<void> {
  const { queue, consumers, taken } = world;
  switch (step.do) {
    case "enqueue": {
      const delayMs = step.delayed ? 3_600_000 : 0;
      const [pushed] = await queue.producer.enqueue([{ kind: "k", payload: 1, id: step.id, delayMs }]);
      if (pushed?.state !== "duplicate") bump(world.started, step.id);
      world.pushed.add(step.id);
      return;
    }
    case "read":
      taken[step.worker].push(...(await consumers[step.worker].read(step.count, 1)));
      return;
    case "heartbeat":
      await announce(world, consumers[step.worker], taken[step.worker], step.worker);
      return;
    case "reclaim": {
      const { buried } = await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: step.cap });
      for (const dead of buried) bump(world.finished, dead);
      return;
    }
    case "promote":
      for (const due of await queue.redis.zrange(queue.keys.due, "0", "-1"))
        await queue.redis.zadd(queue.keys.due, 1, due);
      await queue.keeper.promote(2);
      return;
    case "requeue":
      for (const requeued of await queue.letters.requeue(await queue.letters.list()))
        if (requeued.state === "requeued") bump(world.started, requeued.id);
      return;
    case "foreign": {
      // Without an id of its own it is known by its entry's.
      const entry = String(await queue.redis.xadd(queue.stream, "*", ...step.fields));
      bump(world.started, entry);
      world.pushed.add(entry);
      return;
    }
    case "cancel":
      await queue.producer.cancel([step.id]);
      return;
    default: {
      const task = taken[step.worker].at(-1 - (step.nth % Math.max(1, taken[step.worker].length)));
      if (task !== undefined) await end(world, step.do, consumers[step.worker], task);
    }
  }
}

async function assertConsistent({ queue, pushed, finished, started }: World): Promise<void> {
  const { redis, keys } = queue;
  const entries = await redis.xrange(queue.stream, "-", "+");
  const places = entries.map(([entryId, fields]) => ({ entryId, id: idIn(entryId, fields) }));
  const inStream = places.map(({ id }) => id);
  const due = await redis.zrange(keys.due, "0", "-1");
  const dead = await redis.hkeys(keys.deadLetters);
  const settled = (await redis.keys(`${keys.results}*`)).map((key) => key.slice(keys.results.length));
  assert.deepEqual(
    [...inStream, ...due, ...dead, ...settled].sort(),
    [...pushed].sort(),
    "each id is in one place",
  );

  const index = await redis.hgetall(keys.index);
  const expected = Object.fromEntries([
    // An entry without an id of its own is in no index.
    ...places.flatMap(({ id, entryId }) => (id === entryId ? [] : [[id, entryId]])),
    ...due.map((id) => [id, "due"]),
  ]);
  assert.deepEqual(index, expected, "the index names where each live task is");
  assert.deepEqual(
    (await redis.hkeys(keys.dueEntries)).sort(),
    [...due].sort(),
    "due tasks have their entries",
  );
  assert.deepEqual((await redis.zrange(keys.deadLetterOrder, "0", "-1")).sort(), [...dead].sort());
  const stats = await queue.stats();
  const live = [...inStream, ...due].filter((id) => IDS.includes(id));
  assert.equal(Number(stats["live:k"] ?? 0), live.length, "the gauge of live tasks");
  const pending = await redis.xpending(queue.stream, "workers", "-", "+", 100);
  const held = new Set(entries.map(([entry]) => entry));
  for (const item of pending)
    assert(held.has(String((item as unknown[])[0])), "what is pending is in the stream");
  const asked = await redis.hkeys(keys.cancelled);
  for (const id of asked) assert(inStream.includes(id), "only running tasks are asked to stop");
  for (const [id, count] of finished)
    assert(count <= (started.get(id) ?? 0), `${id} ended more often than it began`);
}

/** What the events say of each task is what the queue holds, and each end is told once. */
async function assertRecorded({ queue, pushed, started, recorded, model, announced }: World): Promise<void> {
  if (recorded === null) return;
  for (const { changes } of await recorded.told()) for (const change of changes) model.apply(change);
  const { redis, keys } = queue;
  const held = await redis.xpending(queue.stream, "workers", "-", "+", 100);
  const running = new Set(held.map((item) => String((item as unknown[])[0])));
  const index = await redis.hgetall(keys.index);
  const outcomes = await queue.results.read([...pushed]);
  for (const [i, each] of [...pushed].entries()) {
    const outcome = outcomes[i];
    const isLive = outcome?.state === "open";
    // Nobody tells that somebody added an entry by hand.
    if (isLive && !model.status.has(each) && !IDS.includes(each)) continue;
    const place = index[each] ?? each;
    const isRunning = running.has(place) && announced.has(place);
    const open = isRunning ? "running" : "queued";
    const truth =
      outcome?.state === "settled" ? outcome.result.status : outcome?.state === "dead" ? "dead" : open;
    assert.equal(model.status.get(each), truth, `what the record says of ${each}`);
    assert.equal(model.ends.get(each) ?? 0, (started.get(each) ?? 0) - (isLive ? 1 : 0), `ends of ${each}`);
  }
}

describe("random interleavings", () => {
  let server: TestRedis;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it("keep each task in exactly one place, and every counter right", async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40, size: "max" }),
        fc.boolean(),
        async (steps, on) => {
          const queue = openQueue(server);
          const world: World = {
            queue,
            consumers: { w1: queue.consumer("w1"), w2: queue.consumer("w2") },
            taken: { w1: [], w2: [] },
            pushed: new Set(),
            finished: new Map(),
            started: new Map(),
            recorded: on ? await Recorded.on(queue) : null,
            model: new RunModel(),
            announced: new Set(),
          };
          try {
            await queue.producer.ensureGroup();
            for (const each of steps) {
              await run(world, each);
              await assertConsistent(world);
              await assertRecorded(world);
            }
          } finally {
            queue.close();
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

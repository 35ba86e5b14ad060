/** Random lives of tasks on a real queue: what pushers, workers, the spawner and people do, in any order. */
import fc from "fast-check";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { errorOf, reportOf, resultOf, type TestQueue } from "./queue.ts";

/** Ids that are pushed. */
export const IDS = ["a", "b", "c", "d"];
const WORKERS = ["w1", "w2"] as const;

export interface World {
  readonly queue: TestQueue;
  readonly consumers: Readonly<Record<(typeof WORKERS)[number], Consumer>>;
  /** Everything each worker ever took, so that stale owners act too. */
  readonly taken: Record<(typeof WORKERS)[number], DeliveredTask[]>;
  /** Ids that were pushed. */
  readonly pushed: Set<string>;
  /** Ends that the queue accepted: at most one for a push or requeue of an id. */
  readonly finished: Map<string, number>;
  readonly started: Map<string, number>;
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

/** One thing that somebody does. */
export const step = fc.oneof(
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
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

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

export async function run(world: World, step: Step): Promise<void> {
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

/** A queue on which nothing was done yet. */
export function newWorld(queue: TestQueue): World {
  return {
    queue,
    consumers: { w1: queue.consumer("w1"), w2: queue.consumer("w2") },
    taken: { w1: [], w2: [] },
    ...{ pushed: new Set<string>(), finished: new Map<string, number>() },
    ...{ started: new Map<string, number>(), announced: new Set<string>() },
  };
}

/** What the queue itself says of a task: the status that a record of it is to have. `undefined`: nobody can know. */
export async function truthOf(world: World): Promise<ReadonlyMap<string, { status: string; ends: number }>> {
  const { queue, pushed, started, announced } = world;
  const held = await queue.redis.xpending(queue.stream, "workers", "-", "+", 100);
  const running = new Set(held.map((item) => String((item as unknown[])[0])));
  const index = await queue.redis.hgetall(queue.keys.index);
  const ids = [...pushed];
  const outcomes = await queue.results.read(ids);
  const truths = ids.map((id, i) => {
    const outcome = outcomes[i];
    const isOpen = outcome?.state === "open";
    const place = index[id] ?? id;
    const open = running.has(place) && announced.has(place) ? "running" : "queued";
    const ended = outcome?.state === "settled" ? outcome.result.status : "dead";
    return [id, { status: isOpen ? open : ended, ends: (started.get(id) ?? 0) - (isOpen ? 1 : 0) }] as const;
  });
  return new Map(truths);
}

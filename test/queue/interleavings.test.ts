import assert from "node:assert/strict";
import fc from "fast-check";
import { idIn, openQueue } from "../support/queue.ts";
import { IDS, newWorld, run, step, truthOf, type World } from "../support/queue-world.ts";
import { Recorded, RunModel } from "../support/recorded.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

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

/** What the record is told, and what it makes of it. */
interface Told {
  readonly recorded: Recorded;
  readonly model: RunModel;
}

/** What the events say of each task is what the queue holds, and each end is told once. */
async function assertRecorded(world: World, { recorded, model }: Told): Promise<void> {
  for (const { changes } of await recorded.told()) for (const change of changes) model.apply(change);
  for (const [id, { status, ends }] of await truthOf(world)) {
    // Nobody tells that somebody added an entry by hand.
    if (!model.status.has(id) && !IDS.includes(id)) continue;
    assert.equal(model.status.get(id), status, `what the record says of ${id}`);
    assert.equal(model.ends.get(id) ?? 0, ends, `ends of ${id}`);
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
          const world = newWorld(queue);
          const told = on ? { recorded: await Recorded.on(queue), model: new RunModel() } : null;
          try {
            await queue.producer.ensureGroup();
            for (const each of steps) {
              await run(world, each);
              await assertConsistent(world);
              if (told !== null) await assertRecorded(world, told);
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

import assert from "node:assert/strict";
import fc from "fast-check";
import { Followed } from "../support/followed.ts";
import { openQueue } from "../support/queue.ts";
import { IDS, newWorld, run, step, truthOf } from "../support/queue-world.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

/** More announcements than lives of tasks have otherwise. */
const worker = fc.constantFrom("w1" as const, "w2" as const);
const heartbeat = fc.record({ do: fc.constant("heartbeat" as const), worker });
const steps = fc.array(fc.oneof({ weight: 10, arbitrary: step }, { weight: 1, arbitrary: heartbeat }), {
  minLength: 10,
  maxLength: 40,
  size: "max",
});

describe("random interleavings, followed by a session", () => {
  let server: TestRedis;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it("are told without loss or repetition, as they are", async function () {
    this.timeout(120_000);
    const property = fc.asyncProperty(steps, async (todo) => {
      const queue = openQueue(server);
      const world = newWorld(queue);
      try {
        await queue.producer.ensureGroup();
        const followed = await Followed.open(queue);
        for (const each of todo) {
          await followed.follow(IDS);
          await run(world, each);
          // What is a task again after its end is followed anew.
          await followed.follow(IDS);
          await followed.hear();
          for (const [id, { status, ends }] of await truthOf(world)) {
            if (!IDS.includes(id)) continue;
            followed.agree(id, status);
            assert.equal(followed.ends.get(id) ?? 0, ends, `ends of ${id}`);
          }
        }
      } finally {
        queue.close();
      }
    });
    await fc.assert(property, { numRuns: 50 });
  });
});

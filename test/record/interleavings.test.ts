import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { RecordStream } from "../../worker/src/adapters/redis/record-stream.ts";
import type { Recorder } from "../../worker/src/recorder/recorder.ts";
import { rows } from "../support/postgres-server.ts";
import { openQueue } from "../support/queue.ts";
import { IDS, newWorld, run, step, truthOf } from "../support/queue-world.ts";
import { type RecordedQueue, withRecord } from "./support.ts";

/** Beside what the queue sees: two recorders take turns, and one may die between its commit and the trim, or begin anew. */
const recording = fc.record({
  do: fc.constantFrom("record" as const, "record" as const, "die" as const, "begin" as const),
  which: fc.constantFrom(0, 1),
});
const either = fc.oneof(
  { weight: 3, arbitrary: step.map((what) => ({ queue: what })) },
  { weight: 1, arbitrary: recording.map((what) => ({ recorder: what })) },
);
const ENDS: readonly unknown[] = ["success", "error", "cancelled", "dead"];

describe("random interleavings with a real record", function () {
  this.timeout(180_000);
  let record: RecordedQueue;
  withRecord((made) => {
    record = made;
  });

  it("leave in the record what the queue holds, each end once, whoever wrote it", async () => {
    const { store, url } = record;
    await fc.assert(
      fc.asyncProperty(
        fc.array(either, { minLength: 20, maxLength: 60, size: "max" }),
        fc.integer({ min: 1, max: 6 }),
        async (steps, batchRows) => {
          const queue = openQueue(record.queue.server);
          const world = newWorld(queue);
          const source = new RecordStream(queue.redis, queue.stream);
          await source.on(64_000_000);
          const begin = () => record.recorder({ queue: queue.stream, source, batchRows });
          let trims = true;
          const trim = source.trim.bind(source);
          source.trim = (upTo) => (trims ? trim(upTo) : Promise.reject(new Error("killed")));
          const recorders: [Recorder, Recorder] = [begin(), begin()];
          const act = async (what: "record" | "die" | "begin", which: 0 | 1) => {
            if (what === "begin") recorders[which] = begin();
            trims = what !== "die";
            if (what !== "begin")
              await recorders[which].step().catch((error: Error) => equal(error.message, "killed"));
            trims = true;
          };
          try {
            await queue.producer.ensureGroup();
            for (const each of steps) {
              if ("queue" in each) await run(world, each.queue);
              else await act(each.recorder.do, each.recorder.which as 0 | 1);
            }
            while ((await queue.redis.xlen(queue.keys.events)) > 0)
              for (const recorder of recorders) await recorder.step();
            for (const [id, { status, ends }] of await truthOf(world)) {
              const found = await store.run(queue.stream, id);
              // Nobody tells that somebody added an entry by hand.
              if (found === undefined && !IDS.includes(id)) continue;
              equal(found?.status, status, `status of ${id}`);
              equal(found?.log.filter((line) => ENDS.includes(line.status)).length, ends, `ends of ${id}`);
              equal(found?.log.at(-1)?.status, status, `last line of ${id}`);
            }
            equal((await source.state()).usedBytes, 0);
          } finally {
            queue.close();
          }
        },
      ),
      { numRuns: 40 },
    );
    deepEqual(
      await rows(
        url,
        "SELECT id FROM taskfleet_activity a WHERE NOT EXISTS (SELECT FROM taskfleet_activity_log l WHERE l.queue = a.queue AND l.activity_id = a.id)",
      ),
      [],
    );
  });
});

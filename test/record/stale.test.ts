import { deepEqual, equal } from "node:assert/strict";
import { cleanUpStale } from "../../worker/src/recorder/stale.ts";
import { expireAll } from "../../worker/src/recorder/upkeep.ts";
import { rows } from "../support/postgres-server.ts";
import { bury, resultOf } from "../support/queue.ts";
import { type RecordedQueue, runOf, withRecord } from "./support.ts";

const LATER = 9_000_000_000_000;

describe("upkeep of the record", function () {
  this.timeout(60_000);
  let record: RecordedQueue;
  withRecord((made) => {
    record = made;
  });

  async function put(...runs: ReturnType<typeof runOf>[]): Promise<void> {
    const change = () => ({ runs, lines: runs.map((run) => ({ ...LINE, id: run.id })) });
    await record.store.write(record.queue.stream, { ids: runs.map(({ id }) => id), change });
  }

  it("ends open runs without a task, repairs those that ended, and leaves live ones alone", async () => {
    const { queue, store } = record;
    const consumer = queue.consumer("w");
    const dead = await bury(queue, consumer);
    const settled = await queue.push();
    const done = await queue.take(consumer);
    await consumer.settle([{ task: done, result: resultOf(done), runtimeMs: 5 }]);
    const held = await queue.push();
    await queue.take(consumer);
    const waiting = await queue.push();
    const delayed = await queue.push({ delayMs: 3_600_000 });
    const open = [dead, settled, held, waiting, delayed, "lost-1", "lost-2"];
    await put(
      ...open.map((id) => runOf(queue.stream, id)),
      runOf(queue.stream, "young", { created_at: LATER }),
    );
    const tasks = queue.results;
    const options = { queue: queue.stream, store, tasks, before: LATER, now: LATER };
    deepEqual(await cleanUpStale(options), { stale: 2, repaired: 2 });
    const now = Object.fromEntries(
      (await rows(record.url, "SELECT id, status FROM runs")).map((r) => [r.id, r.status]),
    );
    deepEqual(now, {
      ...{ [dead]: "dead", [settled]: "success", [held]: "queued", [waiting]: "queued", [delayed]: "queued" },
      ...{ "lost-1": "cancelled", "lost-2": "cancelled", young: "queued" },
    });
    equal((await record.run("lost-1")).message, "stale: in no stream, retry set or dead-letter queue");
    deepEqual(await cleanUpStale(options), { stale: 0, repaired: 0 });
  });

  it("takes out runs that ended long ago, with their logs, or moves them to the archive", async () => {
    const { queue, store } = record;
    const ended = { status: "success", finished_at: 60_000 } as const;
    await put(
      runOf(queue.stream, "old", ended),
      runOf(queue.stream, "new", { ...ended, updated_at: 200_000 }),
      runOf(queue.stream, "open"),
    );
    equal(await expireAll(store, { before: 100_000, mode: "archive" }), 1);
    deepEqual(
      await rows(record.url, "SELECT id, log->0->>'status' AS line FROM taskfleet_activity_archive"),
      [{ id: "old", line: "success" }],
    );
    equal(await expireAll(store, { before: 300_000, mode: "delete" }), 1);
    deepEqual(await rows(record.url, "SELECT id FROM runs"), [{ id: "open" }]);
    deepEqual(await rows(record.url, "SELECT activity_id FROM taskfleet_activity_log"), [
      { activity_id: "open" },
    ]);
  });
});

const LINE = {
  at: 60_000,
  status: "success",
  attempt: null,
  worker_id: null,
  message: null,
  progress: null,
} as const;

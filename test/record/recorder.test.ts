import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { StoreWrite } from "../../worker/src/ports/activity-store.ts";
import { rows } from "../support/postgres-server.ts";
import { errorOf, resultOf } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { changed, openStore, type RecordedQueue, withRecord } from "./support.ts";

const SETTLED = { runtimeMs: 5 };

describe("recorder", function () {
  this.timeout(60_000);
  let record: RecordedQueue;
  withRecord((made) => {
    record = made;
  });

  const statuses = async (id: string) => (await record.run(id)).log.map(({ status }) => status);

  it("records a task from its push to its end, and leaves no event behind", async () => {
    const { queue } = record;
    const consumer = queue.consumer("w");
    const id = await queue.push({ agentId: "agent-7" });
    const task = await queue.take(consumer);
    const result = resultOf(task, { started_at: 1_000, finished_at: 2_000 });
    await consumer.settle([{ task, result, ...SETTLED }]);
    await record.recorder().step();
    const { log, ...run } = await record.run(id);
    equal(run.status, "success");
    equal(run.agent_id, "agent-7");
    equal(run.attempts, 1);
    deepEqual([run.started_at, run.finished_at, run.worker_id], [1_000, 2_000, "w"]);
    equal(run.created_at, task.enqueuedAt);
    deepEqual(
      log.map(({ status, at, worker_id }) => [status, at, worker_id]),
      [
        ["queued", task.enqueuedAt, null],
        ["success", 2_000, "w"],
      ],
    );
    equal(await queue.redis.xlen(queue.keys.events), 0);
    equal((await record.source.state()).usedBytes, 0);
  });

  it("records the trace of a traced task, and none of another", async () => {
    const { queue } = record;
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const traced = await queue.push({ traceparent: `00-${trace}-b7ad6b7169203331-01` });
    const plain = await queue.push();
    await record.recorder().step();
    const ids = await Promise.all([traced, plain].map(async (id) => (await record.run(id)).trace_id));
    deepEqual(ids, [trace, null]);
    await queue.producer.cancel([traced]);
    await record.recorder().step();
    equal((await record.run(traced)).trace_id, trace);
  });

  it("records retries, dead letters and cancelled tasks with their messages", async () => {
    const { queue } = record;
    const consumer = queue.consumer("w");
    const dead = await queue.push();
    const task = await queue.take(consumer);
    await consumer.bury([{ task, error: errorOf(task, "it broke"), ...SETTLED }]);
    const cancelled = await queue.push();
    await queue.producer.cancel([cancelled]);
    await record.recorder().step();
    const run = await record.run(dead);
    deepEqual([run.status, run.message, run.reason], ["dead", "Moved to DLQ: it broke", "handler"]);
    equal(run.log.at(-1)?.message, "Moved to DLQ: it broke");
    equal((await record.run(cancelled)).status, "cancelled");
    deepEqual(await statuses(cancelled), ["queued", "cancelled"]);
  });

  it("writes each event once when it dies between commit and trim", async () => {
    const { queue, source, store } = record;
    const ids = await Promise.all(Array.from({ length: 20 }, () => queue.push()));
    const trim = () => Promise.reject(new Error("killed"));
    const dying = record.recorder({ source: changed(source, { trim }) });
    await rejects(dying.step(), { message: "killed" });
    equal(await queue.redis.xlen(queue.keys.events), 20);
    ok((await store.position(queue.stream)) !== null);
    await record.recorder().step();
    for (const id of ids) deepEqual(await statuses(id), ["queued"]);
    equal(await queue.redis.xlen(queue.keys.events), 0);
  });

  it("writes each event once when it dies before the commit", async () => {
    const { queue, store } = record;
    const id = await queue.push();
    const write = (on: string, what: StoreWrite) => store.write(on, { ...what, change: fail });
    await rejects(record.recorder({ store: changed(store, { write }) }).step(), { message: "killed" });
    equal(await store.position(queue.stream), null);
    equal(await store.run(queue.stream, id), undefined);
    await record.recorder().step();
    deepEqual(await statuses(id), ["queued"]);
  });

  it("makes way for another recorder of the same queue, and nothing is written twice", async () => {
    const { queue } = record;
    const [one, two] = [record.recorder({ batchRows: 7 }), record.recorder({ batchRows: 3 })];
    const ids = await Promise.all(Array.from({ length: 60 }, () => queue.push()));
    await waitFor("both to have written all", async () => {
      await Promise.all([one.step(), two.step()]);
      return (await queue.redis.xlen(queue.keys.events)) === 0;
    });
    for (const id of ids) deepEqual(await statuses(id), ["queued"]);
    equal((await record.store.counts(queue.stream)).queued, 60);
  });

  it("waits for a database that went away, and catches up in order", async () => {
    const { queue, postgres, logged } = record;
    const consumer = queue.consumer("w");
    const recorder = record.recorder();
    const first = await queue.push();
    await recorder.step();
    await postgres.crash();
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), ...SETTLED }]);
    const second = await queue.push();
    deepEqual([await recorder.step(), await recorder.step(), await recorder.step()], [200, 400, 800]);
    await postgres.start();
    await waitFor("the record to catch up", async () => {
      await recorder.step();
      return logged.some(({ event }) => event === "record_caught_up");
    });
    deepEqual(
      logged.map(({ level, event, fields }) => [level, event, fields.rows]),
      [
        ["warn", "record_stalled", undefined],
        ["info", "record_caught_up", 2],
      ],
    );
    deepEqual(await statuses(first), ["queued", "success"]);
    deepEqual(await statuses(second), ["queued"]);
  });

  it("records what a Redis tells that is behind the record: restored, emptied, or with a slower clock", async () => {
    const { queue, store } = record;
    const ahead = "9999999999000-5";
    await store.write(queue.stream, {
      ids: [],
      change: () => ({ runs: [], lines: [] }),
      position: { from: null, to: ahead },
    });
    await queue.push();
    // Of before the record's position, as in a Redis that was restored from older data.
    await record.recorder().step();
    deepEqual(await rows(record.url, "SELECT count(*)::int AS runs FROM runs"), [{ runs: 0 }]);
    const later = await queue.push();
    await record.recorder().step();
    equal((await record.run(later)).status, "queued");
    equal(await store.position(queue.stream), "9999999999000-6");
    await queue.redis.del(queue.keys.events);
    const recorder = record.recorder();
    await recorder.step();
    const last = await queue.push();
    await recorder.step();
    equal((await record.run(last)).status, "queued");
    equal(await store.position(queue.stream), "9999999999000-7");
  });

  it("says once how many changes were lost when more waited than there was room for, whoever records next", async () => {
    const { queue, source, logged } = record;
    const small = { bufferBytes: 65_536 };
    await source.on(65_536);
    for (let i = 0; i < 600; i += 1) await queue.push();
    const { lost } = await source.state();
    ok(lost > 0);
    await record.recorder(small).step();
    const gap = (rows: number, all: number) => ({
      level: "error",
      event: "record_gap",
      fields: { rows, lost: all },
    });
    deepEqual(logged, [gap(lost, lost)]);
    equal((await record.store.counts(queue.stream)).queued, 600 - lost);
    await record.recorder(small).step();
    deepEqual(logged, [gap(lost, lost)], "another term has nothing new to tell");
    for (let i = 0; i < 600; i += 1) await queue.push();
    const all = (await source.state()).lost;
    await record.recorder(small).step();
    deepEqual(logged, [gap(lost, lost), gap(all - lost, all)]);
    equal((await record.store.counts(queue.stream)).queued, 1_200 - all);
  });

  it("does not count as lost what was dropped after it was written", async () => {
    const { queue, source, store } = record;
    await source.on(65_536);
    for (let i = 0; i < 100; i += 1) await queue.push();
    // More comes than there is room for, just when the batch is in the database.
    const write = async (on: string, what: StoreWrite) => {
      const done = await store.write(on, what);
      for (let i = 0; i < 600; i += 1) await queue.push();
      return done;
    };
    await record.recorder({ store: changed(store, { write }), bufferBytes: 65_536, batchRows: 100 }).step();
    await record.recorder({ bufferBytes: 65_536 }).step();
    const { lost } = await source.state();
    ok(lost > 0 && lost < 600);
    equal((await store.counts(queue.stream)).queued, 700 - lost);
  });

  it("tells of events whose format it does not know, and goes on", async () => {
    const { queue, logged } = record;
    const entry = ["t", "teleported", "at", "1", "n", "3", "d", "[]"];
    const id = await queue.redis.xadd(queue.keys.events, "*", ...entry);
    const after = await queue.push();
    await record.recorder().step();
    deepEqual(await statuses(after), ["queued"]);
    deepEqual(logged, [
      { level: "error", event: "record_unknown", fields: { entry: id, entries: 1, rows: 3 } },
    ]);
  });

  it("tells of a login that the database refuses, with the way out, and catches up when it is right", async () => {
    const { queue, logged, store, url } = record;
    const wrong = await openStore(url.replace(/:[^:@/]+@/, ":wrong-password@"));
    let login = wrong;
    const position = (on: string) => login.position(on);
    const recorder = record.recorder({ store: changed(store, { position }) });
    const id = await queue.push();
    deepEqual([await recorder.step(), await recorder.step()], [200, 400]);
    const reason = 'password authentication failed for user "taskfleet_admin"';
    match(recorder.problem ?? "", new RegExp(`refuses to serve: ${reason}`));
    deepEqual(
      logged.map(({ level, event, fields }) => [level, event, fields.wayOut]),
      [
        [
          "error",
          "record_login_refused",
          "correct user and password of the database's URL, or set them there by: taskfleet db setup",
        ],
      ],
    );
    login = store;
    await recorder.step();
    equal(recorder.problem, undefined);
    deepEqual(await statuses(id), ["queued"]);
    equal(logged.at(-1)?.event, "record_caught_up");
    await wrong.close();
  });

  it("goes on past an event that PostgreSQL refuses", async () => {
    const { queue, logged } = record;
    const before = await queue.push();
    const entry = ["t", "queued", "at", "9000000000000000000", "n", "1", "s", "1"];
    await queue.redis.xadd(queue.keys.events, "*", ...entry, "d", '[["k","",0,1,1]]', "i", '["far-off"]');
    const after = await queue.push();
    await record.recorder().step();
    deepEqual(await statuses(before), ["queued"]);
    deepEqual(await statuses(after), ["queued"]);
    deepEqual(
      logged.map(({ event }) => event),
      ["record_refused"],
    );
    deepEqual(await rows(record.url, "SELECT id FROM runs WHERE id = 'far-off'"), []);
  });

  it("takes NUL out of messages", async () => {
    const { queue } = record;
    const consumer = queue.consumer("w");
    const id = await queue.push();
    const task = await queue.take(consumer);
    await consumer.bury([{ task, error: errorOf(task, "a\0b"), ...SETTLED }]);
    await record.recorder().step();
    equal((await record.run(id)).message, "Moved to DLQ: ab");
  });
});

function fail(): never {
  throw new Error("killed");
}

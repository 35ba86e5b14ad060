import assert from "node:assert/strict";
import type { DeadLetter, DeadLetterExport } from "../../worker/contract/records.ts";
import { errorFingerprint } from "../../worker/src/core/error-fingerprint.ts";
import { LetterClusters } from "../../worker/src/core/letter-clusters.ts";
import { BLOCK_MS, bury, errorOf, resultOf, type TestQueue, withQueue } from "../support/queue.ts";

describe("dead letters", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  /** An export as a file brings it back. */
  const exported = async (): Promise<DeadLetterExport> =>
    JSON.parse(JSON.stringify(await queue.letters.export()));

  it("lists by kind, reads by id, and exports without changing anything", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "a", kind: "one" });
    await bury(queue, consumer, { id: "b", kind: "two" });
    assert.deepEqual(
      (await queue.letters.list({ kind: "two" })).map(({ id }) => id),
      ["b"],
    );
    assert.deepEqual(
      (await queue.letters.byIds(["b", "nobody", "a"])).map(({ id }) => id),
      ["b", "a"],
    );
    const file = await exported();
    assert.deepEqual([file.v, file.stream, file.tasks.length], [1, queue.stream, 2]);
    assert.equal((await queue.letters.list()).length, 2);
  });

  it("exports more than a thousand letters, in the order of burial", async () => {
    const consumer = queue.consumer("w");
    await queue.producer.enqueue(
      Array.from({ length: 1_234 }, (_, n) => ({ kind: "k", payload: n, id: `t${n}` })),
    );
    const tasks = await consumer.read(1_234, 20);
    await consumer.bury(tasks.map((task) => ({ task, error: errorOf(task), runtimeMs: 1 })));
    // An order that is neither that of the ids nor that of the hash.
    const order = tasks.map(({ id }, n) => [(n * 611) % 1_234, id] as const);
    await queue.redis.zadd(queue.keys.deadLetterOrder, ...order.flat());
    const file = await exported();
    assert.deepEqual(
      file.tasks.map(({ id }) => id),
      [...order].sort(([a], [b]) => a - b).map(([, id]) => id),
    );
    const states = await queue.letters.requeue(file.tasks);
    assert.deepEqual(
      states,
      file.tasks.map(({ id }) => ({ id, state: "requeued" })),
    );
    assert.equal(await queue.redis.xlen(queue.stream), 1_234);
  });

  it("comes in pages of at most 500 letters and 8 MiB, and misses none", async () => {
    const consumer = queue.consumer("w");
    const large = "x".repeat(3 * 1024 * 1024);
    const payloads = [large, large, large, ...Array.from({ length: 600 }, (_, n) => n)];
    await queue.producer.enqueue(payloads.map((payload, n) => ({ kind: "k", payload, id: `t${n}` })));
    const tasks = await consumer.read(603, BLOCK_MS);
    await consumer.bury(tasks.map((task) => ({ task, error: errorOf(task), runtimeMs: 1 })));
    await queue.redis.zadd(queue.keys.deadLetterOrder, ...tasks.flatMap(({ id }, n) => [n, id]));
    const pages: string[][] = [];
    for await (const page of queue.letters.pages()) pages.push(page.map(({ id }) => id));
    assert.deepEqual(
      pages.map((page) => page.length),
      [2, 498, 103],
    );
    assert.deepEqual(
      pages.flat(),
      tasks.map(({ id }) => id),
    );
  });

  it("lists and exports one cluster: the same cause with other numbers, of the same kind", async () => {
    const consumer = queue.consumer("w");
    const dies = async (id: string, kind: string, message: string) => {
      await queue.push({ id, kind });
      const task = await queue.take(consumer);
      await consumer.bury([{ task, error: errorOf(task, message), runtimeMs: 1 }]);
    };
    await dies("a", "one", "row 1 is bad");
    await dies("b", "one", "row 22 is bad");
    await dies("c", "one", "row 1 is late");
    await dies("d", "two", "row 1 is bad");
    const cluster = errorFingerprint({ kind: "one", reason: "handler", message: "row 3 is bad" });
    const ids = (letters: readonly DeadLetter[]) => letters.map(({ id }) => id);
    assert.deepEqual(ids(await queue.letters.list({ cluster })), ["a", "b"]);
    assert.deepEqual(ids(await queue.letters.list({ cluster, limit: 1 })), ["a"]);
    assert.deepEqual(ids((await queue.letters.export({ cluster })).tasks), ["a", "b"]);
    assert.deepEqual(await queue.letters.list({ cluster, kind: "two" }), []);
    const clusters = new LetterClusters();
    for await (const page of queue.letters.pages()) clusters.add(page);
    const [first, ...others] = clusters.ranked();
    assert.deepEqual(
      [first?.fingerprint, first?.count, first?.id, first?.message],
      [cluster, 2, "b", "row 22 is bad"],
    );
    // Both may have been buried in one millisecond.
    const single = others.map(({ count, kind, id }) => `${count} ${kind} ${id}`);
    assert.deepEqual(single.sort(), ["1 one c", "1 two d"]);
  });

  it("requeues a task that starts again and keeps its history", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x", payload: { n: [1] }, maxAttempts: 6 });
    const [letter] = await queue.letters.list();
    assert.deepEqual(await queue.letters.requeueIds(["x"]), [{ id: "x", state: "requeued" }]);
    const task = await queue.take(consumer);
    assert.deepEqual(
      [task.id, task.attempts, task.deliveries, task.payloadText, task.options, task.errors, task.enqueuedAt],
      ["x", 0, 0, '{"n":[1]}', { maxAttempts: 6 }, letter?.errors, letter?.enqueued_at],
    );
    assert.deepEqual(
      [
        await queue.redis.exists(queue.keys.deadLetters),
        await queue.redis.exists(queue.keys.deadLetterOrder),
      ],
      [0, 0],
    );
    const stats = await queue.stats();
    assert.deepEqual([stats["live:k"], stats.requeued, stats["enqueued:k"]], ["1", "1", "1"]);
  });

  it("the same file twice: the second time nothing happens, whatever became of the tasks", async () => {
    const consumer = queue.consumer("w");
    for (const id of ["waits", "runs", "done", "retries", "dies"]) await bury(queue, consumer, { id });
    await queue.redis.zadd(
      queue.keys.deadLetterOrder,
      ...["waits", "runs", "done", "retries", "dies"].flatMap((id, at) => [at, id]),
    );
    const file = await exported();
    const first = await queue.letters.requeue(file.tasks);
    assert.deepEqual(new Set(first.map(({ state }) => state)), new Set(["requeued"]));
    const tasks = new Map((await consumer.read(5, 20)).map((task) => [task.id, task]));
    const taken = (id: string) => tasks.get(id) ?? assert.fail(`${id} was not taken`);
    await consumer.release([taken("waits")]);
    await consumer.settle([{ task: taken("done"), result: resultOf(taken("done")), runtimeMs: 1 }]);
    const error = errorOf(taken("retries"));
    await consumer.retry([{ task: taken("retries"), error, delayMs: 60_000, runtimeMs: 1 }]);
    await consumer.bury([{ task: taken("dies"), error: errorOf(taken("dies")), runtimeMs: 1 }]);

    const second = await queue.letters.requeue(file.tasks);
    assert.deepEqual(second, [
      { id: "waits", state: "waiting" },
      { id: "runs", state: "running" },
      { id: "done", state: "settled" },
      { id: "retries", state: "waiting" },
      { id: "dies", state: "already-requeued" },
    ]);
    assert.equal(await queue.redis.xlen(queue.stream), 2);
    assert.equal((await queue.letters.list()).length, 1);
    assert.equal((await queue.stats()).requeued, "5");
  });

  it("an old file after the result is gone: the burial is remembered", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x" });
    const file = await exported();
    await queue.letters.requeue(file.tasks);
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    await queue.redis.del(`${queue.keys.results}x`);
    assert.deepEqual(await queue.letters.requeue(file.tasks), [{ id: "x", state: "already-requeued" }]);
    assert.equal(await queue.redis.xlen(queue.stream), 0);
  });

  it("a task that died again can be requeued again, by its new letter", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x" });
    const old = await exported();
    await queue.letters.requeue(old.tasks);
    const task = await queue.take(consumer);
    await consumer.bury([{ task, error: errorOf(task, "again"), runtimeMs: 1 }]);
    const [letter] = await queue.letters.list();
    assert(letter !== undefined);
    assert.notEqual(letter.buried_at, old.tasks[0]?.buried_at);
    assert.deepEqual(await queue.letters.requeue(old.tasks), [{ id: "x", state: "already-requeued" }]);
    assert.equal((await queue.letters.list()).length, 1);
    assert.deepEqual(await queue.letters.requeue([letter]), [{ id: "x", state: "requeued" }]);
    assert.deepEqual(
      (await queue.take(consumer)).errors.map(({ message }) => message),
      ["it broke", "again"],
    );
  });

  it("burials within one millisecond stay apart", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x" });
    const time = (await queue.letters.list())[0]?.buried_at ?? 0;
    await queue.letters.requeueIds(["x"]);
    const next = Array.from({ length: 5_000 }, (_, n) => time + n);
    await queue.redis.zadd(queue.keys.requeued, ...next.flatMap((at) => [at, `x@${at}`]));
    const task = await queue.take(consumer);
    await consumer.bury([{ task, error: errorOf(task), runtimeMs: 1 }]);
    assert.equal((await queue.letters.list())[0]?.buried_at, time + 5_000);
    assert.deepEqual(await queue.letters.requeueIds(["x"]), [{ id: "x", state: "requeued" }]);
  });

  it("works from a file into an emptied Redis, twice", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x", payload: "kept" });
    const file = await exported();
    await queue.server.client.flushall();
    assert.deepEqual(await queue.letters.requeue(file.tasks, { dryRun: true }), [
      { id: "x", state: "requeued" },
    ]);
    assert.deepEqual(await queue.letters.requeue(file.tasks), [{ id: "x", state: "requeued" }]);
    assert.deepEqual(await queue.letters.requeue(file.tasks), [{ id: "x", state: "waiting" }]);
    const task = await queue.take(consumer);
    assert.deepEqual([task.id, task.payloadText, task.errors.length], ["x", '"kept"', 1]);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    await queue.redis.del(`${queue.keys.results}x`);
    assert.deepEqual(await queue.letters.requeue(file.tasks), [{ id: "x", state: "already-requeued" }]);
    assert.equal((await queue.stats())["live:k"], "0");
  });

  it("a file's letter ends a newer burial of the same id too", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x" });
    const file = await exported();
    await queue.server.client.flushall();
    await bury(queue, consumer, { id: "x" });
    const newer = await exported();
    assert.deepEqual(await queue.letters.requeue(file.tasks), [{ id: "x", state: "requeued" }]);
    assert.deepEqual(await queue.letters.list(), []);
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    await queue.redis.del(`${queue.keys.results}x`);
    assert.deepEqual(await queue.letters.requeue(newer.tasks), [{ id: "x", state: "already-requeued" }]);
  });

  it("a dry run tells and does nothing", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x" });
    const before = await queue.stats();
    assert.deepEqual(await queue.letters.requeueIds(["x", "nobody"], { dryRun: true }), [
      { id: "x", state: "requeued" },
      { id: "nobody", state: "unknown" },
    ]);
    assert.equal((await queue.letters.list()).length, 1);
    assert.equal(await queue.redis.xlen(queue.stream), 0);
    assert.deepEqual(await queue.stats(), before);
    assert.equal(await queue.redis.exists(queue.keys.requeued), 0);
  });

  it("by id: tells where tasks are that are no dead letters", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "runs" });
    await queue.take(consumer);
    await queue.push({ id: "waits" });
    await queue.push({ id: "delayed", delayMs: 60_000 });
    assert.deepEqual(await queue.letters.requeueIds(["nobody", "delayed", "waits", "runs"]), [
      { id: "nobody", state: "unknown" },
      { id: "delayed", state: "waiting" },
      { id: "waits", state: "waiting" },
      { id: "runs", state: "running" },
    ]);
  });

  it("one id twice in a file is requeued once", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "x" });
    const { tasks } = await exported();
    assert.deepEqual(await queue.letters.requeue([...tasks, ...tasks]), [
      { id: "x", state: "requeued" },
      { id: "x", state: "waiting" },
    ]);
    assert.equal(await queue.redis.xlen(queue.stream), 1);
  });
});

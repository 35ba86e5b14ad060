import assert from "node:assert/strict";
import {
  bury,
  errorOf,
  openQueue,
  RESULT_TTL_SECONDS,
  resultOf,
  type TestQueue,
  withQueue,
} from "../support/queue.ts";

describe("settle", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("stores the result with its time to live and leaves no trace in the queue", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    const task = await queue.take(consumer);
    const result = resultOf(task, { output: { text: 'ü "quoted"\n' } });
    assert.deepEqual(await consumer.settle([{ task, result, runtimeMs: 4.25 }]), [true]);
    assert.deepEqual(await queue.results.read(["x"]), [{ state: "settled", result }]);
    const ttl = await queue.redis.ttl(`${queue.keys.results}x`);
    assert(ttl > RESULT_TTL_SECONDS - 60 && ttl <= RESULT_TTL_SECONDS, `time to live is ${ttl}`);
    assert.equal(await queue.redis.xlen(queue.stream), 0);
    assert.equal(await queue.redis.exists(queue.keys.index), 0);
    assert.deepEqual((await queue.redis.xpending(queue.stream, "workers"))[0], 0);
  });

  it("counts by kind, status, reason and bucket", async () => {
    const consumer = queue.consumer("w");
    await queue.producer.enqueue(["a", "b", "c"].map((id) => ({ kind: "k", payload: 1, id })));
    const tasks = await consumer.read(3, 20);
    const [a, b, c] = tasks;
    assert(a !== undefined && b !== undefined && c !== undefined);
    const error = { message: "exit status 2", reason: "exit" as const };
    await consumer.settle([
      { task: a, result: resultOf(a), runtimeMs: 5 },
      { task: b, result: resultOf(b), runtimeMs: 5.125 },
      { task: c, result: resultOf(c, { status: "error", error }), runtimeMs: 4_000_000 },
    ]);
    assert.deepEqual(await queue.stats(), {
      "enqueued:k": "3",
      "live:k": "0",
      "task:k:k:success": "2",
      "task:k:k:error": "1",
      "runtime:k:k:success:0": "1",
      "runtime:k:k:success:1": "1",
      "runtime:k:k:error:18": "1",
      "runtime-ms:k:k:success": "10.125",
      "runtime-ms:k:k:error": "4000000",
      "fail:k:exit": "1",
    });
  });

  it("settles tasks of several streams in one call", async () => {
    const other = openQueue(queue.server);
    const consumer = queue.consumer("w", [queue.stream, other.stream]);
    await queue.push({ id: "here" });
    await other.push({ id: "there" });
    const tasks = await consumer.read(4, 20);
    assert.deepEqual(tasks.map(({ id, stream }) => [id, stream]).sort(), [
      ["here", queue.stream],
      ["there", other.stream],
    ]);
    const done = await consumer.settle(tasks.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })));
    assert.deepEqual(done, [true, true]);
    assert.equal((await queue.results.read(["here"]))[0]?.state, "settled");
    assert.equal((await other.results.read(["there"]))[0]?.state, "settled");
    other.close();
  });

  it("accepts the same call again, for an answer may be lost with its connection", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    const task = await queue.take(consumer);
    const item = { task, result: resultOf(task), runtimeMs: 1 };
    assert.deepEqual(await consumer.settle([item]), [true]);
    assert.deepEqual(await consumer.settle([item]), [true]);
    const stats = await queue.stats();
    assert.deepEqual([stats["task:k:k:success"], stats["live:k"], stats.late], ["1", "0", undefined]);
  });
});

describe("retry", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("waits in the due set until exactly its time, then stands at the tail with its history", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x", payload: { keep: "me" }, maxAttempts: 7 });
    const task = await queue.take(consumer);
    const before = Number((await queue.redis.time())[0]) * 1000;
    await consumer.retry([{ task, error: errorOf(task, "first"), delayMs: 60_000, runtimeMs: 3 }]);
    const due = Number(await queue.redis.zscore(queue.keys.due, "x"));
    assert(due >= before + 60_000 && due <= before + 70_000, `due ${due - before} ms later`);
    assert.equal(await queue.redis.hget(queue.keys.index, "x"), "due");
    assert.equal(await queue.redis.xlen(queue.stream), 0);
    assert.deepEqual(await queue.keeper.promote(10), { promoted: 0, nextDueMs: due });

    await queue.redis.zadd(queue.keys.due, due - 60_000 - 10_000, "x");
    await queue.push({ id: "y" });
    assert.deepEqual(await queue.keeper.promote(10), { promoted: 1, nextDueMs: null });
    const [first, second] = await consumer.read(10, 20);
    assert.deepEqual([first?.id, second?.id], ["y", "x"]);
    assert(second !== undefined);
    assert.deepEqual(
      [second.attempts, second.deliveries, second.payloadText, second.options, second.enqueuedAt],
      [1, 0, '{"keep":"me"}', { maxAttempts: 7 }, task.enqueuedAt],
    );
    assert.deepEqual(second.errors, [errorOf(task, "first")]);
    assert.equal(await queue.redis.hlen(queue.keys.dueEntries), 0);

    await consumer.retry([{ task: second, error: errorOf(second, "second"), delayMs: 0, runtimeMs: 3 }]);
    const third = await queue.take(consumer);
    assert.equal(third.attempts, 2);
    assert.deepEqual(
      third.errors.map(({ attempt, message }) => [attempt, message]),
      [
        [1, "first"],
        [2, "second"],
      ],
    );
    const stats = await queue.stats();
    assert.deepEqual(
      [stats["task:k:k:retry"], stats["live:k"], stats["fail:k:handler"], stats["runtime-ms:k:k:retry"]],
      ["2", "2", "2", "6"],
    );
  });

  it("promotes the earliest first and no more than asked", async () => {
    await queue.producer.enqueue(
      ["c", "a", "b"].map((id) => ({ kind: "k", payload: 1, id, delayMs: 60_000 })),
    );
    await queue.redis.zadd(queue.keys.due, 3, "c", 1, "a", 2, "b");
    assert.deepEqual(await queue.keeper.promote(2), { promoted: 2, nextDueMs: 3 });
    assert.deepEqual(
      (await queue.consumer("w").read(5, 20)).map(({ id }) => id),
      ["a", "b"],
    );
  });
});

describe("bury", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("writes a dead letter with the whole history, by the server's clock", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x", payload: { a: "\u2028\u0000" }, timeoutMs: 9 });
    const first = await queue.take(consumer);
    await consumer.retry([{ task: first, error: errorOf(first, "first"), delayMs: 0, runtimeMs: 1 }]);
    const second = await queue.take(consumer);
    await consumer.bury([{ task: second, error: errorOf(second, 'last "one"'), runtimeMs: 2 }]);
    const [letter] = await queue.letters.byIds(["x"]);
    assert(letter !== undefined);
    assert.deepEqual(letter, {
      v: 1,
      id: "x",
      kind: "k",
      payload: JSON.stringify({ a: "\u2028\u0000" }),
      options: '{"timeoutMs":9}',
      enqueued_at: first.enqueuedAt,
      attempts: 2,
      deliveries: 0,
      errors: [errorOf(first, "first"), errorOf(second, 'last "one"')],
      message: 'Moved to DLQ: last "one"',
      buried_at: letter.buried_at,
    });
    assert.equal(Number(await queue.redis.zscore(queue.keys.deadLetterOrder, "x")), letter.buried_at);
    assert(letter.buried_at >= first.enqueuedAt);
    assert.deepEqual(await queue.results.read(["x"]), [{ state: "dead", letter }]);
    assert.equal(await queue.redis.xlen(queue.stream), 0);
    assert.equal(await queue.redis.exists(queue.keys.index), 0);
    const stats = await queue.stats();
    assert.deepEqual([stats["live:k"], stats["task:k:k:dead"], stats["fail:k:handler"]], ["0", "1", "2"]);
  });

  it("keeps the order of burial", async () => {
    const consumer = queue.consumer("w");
    for (const id of ["z", "m", "a"]) await bury(queue, consumer, { id });
    await queue.redis.zadd(queue.keys.deadLetterOrder, 1, "z", 2, "m", 3, "a");
    assert.deepEqual(
      (await queue.letters.list()).map(({ id }) => id),
      ["z", "m", "a"],
    );
    assert.deepEqual(
      (await queue.letters.list({ limit: 2 })).map(({ id }) => id),
      ["z", "m"],
    );
  });
});

describe("release", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("hands back to the tail with attempts and deliveries as they were", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    await queue.take(consumer);
    await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 5 });
    const taken = await queue.take(consumer);
    await consumer.retry([{ task: taken, error: errorOf(taken), delayMs: 0, runtimeMs: 1 }]);
    const task = await queue.take(consumer);
    await queue.push({ id: "y" });
    assert.deepEqual(await consumer.release([task]), [true]);
    const [first, second] = await consumer.read(5, 20);
    assert.deepEqual([first?.id, second?.id], ["y", "x"]);
    assert.deepEqual([second?.attempts, second?.deliveries, second?.errors.length], [1, 1, 1]);
    assert.equal((await queue.stats()).released, "1");
    assert.equal(await queue.redis.hget(queue.keys.index, "x"), second?.entryId);
  });
});

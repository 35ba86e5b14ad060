import assert from "node:assert/strict";
import { Purge, type PurgeOrder, type PurgeState } from "../../worker/src/adapters/redis/purge.ts";
import { depth } from "../../worker/src/adapters/redis/queue-status.ts";
import {
  BLOCK_MS,
  bury,
  CLEAN,
  errorOf,
  RESULT_TTL_SECONDS,
  resultOf,
  type TestQueue,
  waitingNormally,
  withQueue,
} from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";

describe("purge", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  const purge = async (states: readonly PurgeState[], order: Partial<PurgeOrder> = {}) => {
    const whole = { olderThanMs: 0, dryRun: false, resultTtlSeconds: RESULT_TTL_SECONDS, ...order };
    const run = new Purge(queue.redis, queue.stream, { ...whole, states: new Set(states) });
    return Object.fromEntries(await run.run());
  };
  const counts = (waiting: number, delayed = 0, dead = 0) => ({ waiting, delayed, dead });
  const depthNow = async () => {
    const { oldestIdleMs: _, ...rest } = await depth(queue.redis, queue.stream);
    return rest;
  };
  const messagesOf = async (ids: readonly string[]) =>
    (await queue.results.read(ids)).map((outcome) =>
      outcome.state === "settled"
        ? `${outcome.result.status}: ${outcome.result.error?.message}`
        : outcome.state,
    );

  it("takes what waits, by kind; each task has a result, and nothing of it is left", async () => {
    await queue.push({ id: "a" });
    await queue.push({ id: "b", kind: "other" });
    const waiting = queue.results.wait(["a"]);
    assert.deepEqual(await purge(["waiting"], { kind: "k" }), { k: counts(1) });
    assert.equal((await waiting).get("a")?.state, "settled");
    const [outcome] = await queue.results.read(["a"]);
    assert(outcome?.state === "settled");
    const { enqueued_at, finished_at, ...rest } = outcome.result;
    assert(finished_at >= enqueued_at && enqueued_at > 0);
    assert.deepEqual(rest, {
      v: 1,
      id: "a",
      kind: "k",
      status: "cancelled",
      error: { message: "purged", reason: "cancelled" },
      attempts: 0,
      handler_version: "",
      image_tag: "",
      worker_id: "",
    });
    const ttl = await queue.redis.ttl(`${queue.keys.results}a`);
    assert(ttl > RESULT_TTL_SECONDS - 60 && ttl <= RESULT_TTL_SECONDS, `time to live is ${ttl}`);
    assert.deepEqual(await queue.redis.hkeys(queue.keys.index), ["b"]);
    assert.deepEqual(await depthNow(), { ...CLEAN, ...waitingNormally(1) });
    const stats = await queue.stats();
    assert.deepEqual(
      [
        stats["live:k"],
        stats["live:other"],
        stats["task:k:k:cancelled"],
        stats["task:other:other:cancelled"],
      ],
      ["0", "1", "1", undefined],
    );
  });

  it("leaves alone what a worker holds, also between tasks that go", async () => {
    for (const id of ["a", "b", "c"]) await queue.push({ id });
    const consumer = queue.consumer("w");
    const held = await queue.take(consumer);
    assert.deepEqual(await purge(["waiting", "delayed", "dead"]), { k: counts(2) });
    assert.deepEqual(await consumer.settle([{ task: held, result: resultOf(held), runtimeMs: 1 }]), [true]);
    assert.deepEqual(await messagesOf(["a", "b", "c"]), [
      "success: undefined",
      "cancelled: purged",
      "cancelled: purged",
    ]);
    assert.deepEqual(await depthNow(), CLEAN);
    assert.equal((await queue.stats())["live:k"], "0");
  });

  it("takes delayed tasks and retries", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "fails" });
    const task = await queue.take(consumer);
    await consumer.retry([{ task, error: errorOf(task), delayMs: 60_000, runtimeMs: 1 }]);
    await queue.push({ id: "later", delayMs: 60_000, kind: "other" });
    await queue.push({ id: "now" });
    assert.deepEqual(await purge(["delayed"]), { k: counts(0, 1), other: counts(0, 1) });
    assert.deepEqual(await messagesOf(["fails", "later", "now"]), [
      "cancelled: purged",
      "cancelled: purged",
      "open",
    ]);
    assert.deepEqual(await depthNow(), { ...CLEAN, ...waitingNormally(1) });
    assert.deepEqual(await queue.redis.exists(queue.keys.due, queue.keys.dueEntries), 0);
    assert.deepEqual(await queue.redis.hkeys(queue.keys.index), ["now"]);
  });

  it("leaves running tasks alone where most pending entries around them were deleted by hand", async () => {
    const ids = Array.from({ length: 300 }, (_, n) => `t${n}`);
    await queue.producer.enqueue(ids.map((id) => ({ kind: "k", payload: 1, id })));
    const tasks = await queue.consumer("w").read(300, 20);
    assert.equal(tasks.length, 300);
    const gone = tasks.filter((_task, n) => n % 100 !== 99);
    await queue.redis.xdel(queue.stream, ...gone.map(({ entryId }) => entryId));
    assert.deepEqual(await purge(["waiting"]), {});
    assert.equal(await queue.redis.xlen(queue.stream), 3);
  });

  it("removes dead letters; an export of them can still be requeued", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "a" });
    await bury(queue, consumer, { id: "b", kind: "other" });
    const letters = await queue.letters.list();
    assert.deepEqual(await purge(["dead"], { kind: "k" }), { k: counts(0, 0, 1) });
    assert.deepEqual(
      (await queue.letters.list()).map(({ id }) => id),
      ["b"],
    );
    assert.equal(await queue.redis.zcard(queue.keys.deadLetterOrder), 1);
    assert.deepEqual(await queue.letters.requeue(letters.filter(({ id }) => id === "a")), [
      { id: "a", state: "requeued" },
    ]);
  });

  it("a dry run counts what would go, by kind and state, and changes nothing", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "dead" });
    await queue.push({ id: "runs" });
    await queue.take(consumer);
    await queue.producer.enqueue(Array.from({ length: 250 }, (_, n) => ({ kind: "k", payload: n })));
    await queue.producer.enqueue(
      Array.from({ length: 150 }, (_, n) => ({ kind: "other", payload: n, delayMs: 60_000 })),
    );
    const before = await queue.redis.dbsize();
    const states = ["waiting", "delayed", "dead"] as const;
    const expected = { k: counts(250, 0, 1), other: counts(0, 150) };
    const statsBefore = await queue.stats();
    assert.deepEqual(await purge(states, { dryRun: true }), expected);
    assert.deepEqual(await queue.stats(), statsBefore);
    assert.equal(await queue.redis.dbsize(), before);
    assert.deepEqual(await depthNow(), {
      ...CLEAN,
      ...waitingNormally(250),
      running: 1,
      delayed: 150,
      deadLetters: 1,
    });
    assert.deepEqual(await purge(states), expected);
    assert.deepEqual(await depthNow(), { ...CLEAN, running: 1 });
    assert.deepEqual(await purge(states), {});
  });

  it("spares what is younger than it was asked for", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "dead" });
    await queue.push({ id: "a" });
    await queue.push({ id: "later", delayMs: 60_000 });
    const states = ["waiting", "delayed", "dead"] as const;
    assert.deepEqual(await purge(states, { olderThanMs: 60_000 }), {});
    assert.deepEqual(await depthNow(), { ...CLEAN, ...waitingNormally(1), delayed: 1, deadLetters: 1 });
  });

  it("takes an entry that was added by hand, and no other task's id with it", async () => {
    await queue.producer.ensureGroup();
    const consumer = queue.consumer("w");
    await queue.push({ id: "a" });
    const task = await queue.take(consumer);
    await queue.redis.xadd(queue.stream, "*", "id", "a", "kind", "k");
    const bare = await queue.redis.xadd(queue.stream, "*", "kind", "hand");
    assert.deepEqual(await purge(["waiting"]), { k: counts(1), hand: counts(1) });
    assert.deepEqual(await messagesOf(["a", String(bare)]), ["open", "cancelled: purged"]);
    assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
  });

  it("works while memory is full, and where there is no queue yet", async () => {
    assert.deepEqual(await purge(["waiting", "delayed", "dead"]), {});
    await queue.push({ id: "a" });
    await queue.redis.config("SET", "maxmemory", "1");
    try {
      assert.deepEqual(await purge(["waiting"]), { k: counts(1) });
    } finally {
      await queue.redis.config("SET", "maxmemory", "0");
    }
  });

  it("beside busy workers and pushes no task is both purged and run, and none is lost", async () => {
    const ran = new Map<string, number>();
    let over = false;
    const work = async (name: string) => {
      const consumer = queue.consumer(name);
      while (!over) {
        const tasks = await consumer.read(7, BLOCK_MS);
        for (const { id } of tasks) ran.set(id, (ran.get(id) ?? 0) + 1);
        await consumer.settle(tasks.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })));
      }
    };
    const ids: string[] = [];
    const push = async (round: number, delayMs: number) => {
      const tasks = Array.from({ length: 50 }, (_, n) => ({
        kind: "k",
        payload: n,
        id: `t${round}-${delayMs}-${n}`,
        delayMs,
      }));
      ids.push(...(await queue.producer.enqueue(tasks)).map(({ id }) => id));
    };
    await queue.producer.ensureGroup();
    const workers = [work("w1"), work("w2")];
    let purged = 0;
    for (let round = 0; round < 40; round++) {
      await Promise.all([push(round, 0), push(round, 1), push(round, 3), queue.keeper.promote(100)]);
      const gone = await purge(["waiting", "delayed"]);
      purged += (gone.k?.waiting ?? 0) + (gone.k?.delayed ?? 0);
    }
    await waitFor("all tasks to have an end", async () => {
      await queue.keeper.promote(1_000);
      return (await queue.redis.hlen(queue.keys.index)) === 0;
    });
    over = true;
    await Promise.all(workers);
    const messages = await messagesOf(ids);
    const cancelled = ids.filter((_, i) => messages[i] === "cancelled: purged");
    assert.equal(messages.filter((message) => message === "success: undefined").length, ran.size);
    assert.equal(cancelled.length, purged);
    assert.equal(ran.size + purged, ids.length);
    assert.deepEqual(
      cancelled.filter((id) => ran.has(id)),
      [],
    );
    assert.deepEqual(
      [...ran].filter(([, times]) => times > 1),
      [],
    );
    assert.ok(purged > 0 && ran.size > 0, `${purged} purged, ${ran.size} run: one side saw none`);
    assert.deepEqual(await depthNow(), CLEAN);
    assert.equal((await queue.stats())["live:k"], "0");
  });
});

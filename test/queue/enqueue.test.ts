import assert from "node:assert/strict";
import { Producer } from "../../worker/src/adapters/redis/producer.ts";
import { PayloadTooLargeError } from "../../worker/src/core/errors.ts";
import { bury, errorOf, resultOf, type TestQueue, withQueue } from "../support/queue.ts";

describe("enqueue", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("writes the entry's fields in their order", async () => {
    await queue.push({ id: "one", payload: { text: "ü\n" }, timeoutMs: 50, maxAttempts: 2 });
    const [entry] = await queue.redis.xrange(queue.stream, "-", "+");
    const [entryId, fields] = entry ?? assert.fail("no entry");
    assert.deepEqual(fields, [
      ...["taskfleet", 'one k {"text":"ü\\n"}'],
      ...["options", '{"timeoutMs":50,"maxAttempts":2}'],
    ]);
    assert.equal(await queue.redis.hget(queue.keys.index, "one"), entryId);
  });

  it("answers in the order of the tasks and keeps that order in the stream", async () => {
    const pushed = await queue.producer.enqueue([
      { kind: "k", payload: 1, id: "a" },
      { kind: "k", payload: 2, id: "later", delayMs: 60_000 },
      { kind: "k", payload: 3, id: "a" },
      { kind: "k", payload: 4, id: "b" },
    ]);
    assert.deepEqual(pushed, [
      { id: "a", state: "waiting" },
      { id: "later", state: "delayed" },
      { id: "a", state: "duplicate" },
      { id: "b", state: "waiting" },
    ]);
    const tasks = await queue.consumer("w").read(10, 20);
    assert.deepEqual(
      tasks.map(({ id, payloadText }) => [id, payloadText]),
      [
        ["a", "1"],
        ["b", "4"],
      ],
    );
    assert.deepEqual(await queue.stats(), { "enqueued:k": "3", "live:k": "3" });
  });

  /** The very call of a push of three tasks without ids, to be sent again; it was sent once. */
  async function pushedCall(): Promise<{ again: () => Promise<unknown>; ids: string[] }> {
    let call: (() => Promise<unknown>) | undefined;
    const redis = Object.create(queue.redis) as typeof queue.redis;
    redis.evalsha = (async (...words: Parameters<typeof queue.redis.evalsha>) => {
      call = () => queue.redis.evalsha(...words);
      return call();
    }) as typeof redis.evalsha;
    await queue.push();
    await queue.redis.del(queue.stream, queue.keys.index, queue.keys.stats);
    const producer = new Producer(redis, queue.stream, { resultTtlSeconds: 60, maxPayloadBytes: 1_000 });
    const pushed = await producer.enqueue([1, 2, 3].map((payload) => ({ kind: "k", payload })));
    return { again: () => call?.() ?? assert.fail("no call"), ids: pushed.map(({ id }) => id) };
  }

  it("takes the tasks of a call that is sent again once, however many of them have ended meanwhile", async () => {
    const { again } = await pushedCall();
    const consumer = queue.consumer("w");
    for (const left of [3, 2, 1, 0]) {
      assert.equal(await again(), "000");
      assert.equal(await queue.redis.xlen(queue.stream), left);
      if (left === 0) break;
      const task = await queue.take(consumer);
      await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    }
    assert.deepEqual((await queue.stats())["enqueued:k"], "3");
  });

  it("takes the tasks of a call that is sent again once, also when the first is dead", async () => {
    const { again, ids } = await pushedCall();
    const consumer = queue.consumer("w");
    for (const id of ids) {
      const task = await queue.take(consumer);
      assert.equal(task.id, id);
      await consumer.bury([{ task, error: errorOf(task), runtimeMs: 1 }]);
    }
    assert.equal(await again(), "000");
    assert.equal(await queue.redis.xlen(queue.stream), 0);
  });

  it("takes far more tasks than one script call, in order", async () => {
    const tasks = Array.from({ length: 1_234 }, (_, n) => ({ kind: "k", payload: n, id: `t${n}` }));
    const pushed = await queue.producer.enqueue(tasks);
    assert.deepEqual(
      pushed.map(({ id }) => id),
      tasks.map(({ id }) => id),
    );
    const entries = await queue.redis.xrange(queue.stream, "-", "+");
    assert.deepEqual(
      entries.map(([, fields]) => fields),
      tasks.map(({ id, payload }) => ["taskfleet", `${id} k ${payload}`]),
    );
    assert.equal(await queue.redis.hlen(queue.keys.index), 1_234);
  });

  it("splits large payloads over calls", async () => {
    const tasks = Array.from({ length: 5 }, (_, n) => ({
      kind: "k",
      payload: "x".repeat(3_000_000),
      id: `big${n}`,
    }));
    const pushed = await queue.producer.enqueue(tasks);
    assert.deepEqual(
      pushed.map(({ state }) => state),
      Array(5).fill("waiting"),
    );
  });

  it("gives tasks without an id ids that sort by time", async () => {
    const pushed = await queue.producer.enqueue([
      { kind: "k", payload: 1 },
      { kind: "k", payload: 1 },
    ]);
    const ids = pushed.map(({ id }) => id);
    for (const id of ids)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(ids[0], ids[1]);
  });

  it("pushes nothing when one payload is over the cap", async () => {
    const strict = new Producer(queue.redis, queue.stream, { resultTtlSeconds: 60, maxPayloadBytes: 10 });
    const tasks = [
      { kind: "k", payload: "12345678" },
      { kind: "k", payload: "12345678ü" },
    ];
    await assert.rejects(strict.enqueue(tasks), (error: unknown) => {
      assert(error instanceof PayloadTooLargeError);
      assert.match(error.message, /^payload: 12 bytes of JSON, at most 10 are allowed/);
      return true;
    });
    assert.equal(await queue.redis.xlen(queue.stream), 0);
    assert.deepEqual(await strict.enqueue([{ kind: "k", payload: "12345678", id: "fits" }]), [
      { id: "fits", state: "waiting" },
    ]);
  });

  it("pushes nothing for an empty list", async () => {
    assert.deepEqual(await queue.producer.enqueue([]), []);
  });

  describe("a second push of an id is a no-op", () => {
    const again = async () => {
      const [pushed] = await queue.producer.enqueue([{ kind: "other", payload: "other", id: "x" }]);
      assert.deepEqual(pushed, { id: "x", state: "duplicate" });
      assert.equal((await queue.stats())["enqueued:other"], undefined);
    };

    it("while it waits", async () => {
      await queue.push({ id: "x" });
      await again();
      assert.equal(await queue.redis.xlen(queue.stream), 1);
    });

    it("while it is delayed", async () => {
      await queue.push({ id: "x", delayMs: 60_000 });
      await again();
      assert.equal(await queue.redis.xlen(queue.stream), 0);
    });

    it("while it runs", async () => {
      await queue.push({ id: "x" });
      await queue.take(queue.consumer("w"));
      await again();
      assert.equal(await queue.redis.xlen(queue.stream), 1);
    });

    it("while it waits for a retry", async () => {
      const consumer = queue.consumer("w");
      await queue.push({ id: "x" });
      const task = await queue.take(consumer);
      await consumer.retry([{ task, error: errorOf(task), delayMs: 60_000, runtimeMs: 1 }]);
      await again();
      assert.equal(await queue.redis.xlen(queue.stream), 0);
    });

    it("while it is dead", async () => {
      await bury(queue, queue.consumer("w"), { id: "x" });
      await again();
      assert.equal(await queue.redis.xlen(queue.stream), 0);
    });

    it("while its result is kept, and no longer", async () => {
      const consumer = queue.consumer("w");
      await queue.push({ id: "x" });
      const task = await queue.take(consumer);
      await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
      await again();
      assert.equal(await queue.redis.xlen(queue.stream), 0);
      await queue.redis.del(`${queue.keys.results}x`);
      assert.deepEqual(await queue.producer.enqueue([{ kind: "k", payload: 1, id: "x" }]), [
        { id: "x", state: "waiting" },
      ]);
    });
  });
});

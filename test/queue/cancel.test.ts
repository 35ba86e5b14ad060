import assert from "node:assert/strict";
import { type ControlMessage, ControlSubscriber } from "../../worker/src/adapters/redis/control.ts";
import { depth, setPaused } from "../../worker/src/adapters/redis/queue-status.ts";
import {
  BLOCK_MS,
  bury,
  errorOf,
  LEASE_OVER,
  openQueue,
  reportOf,
  resultOf,
  type TestQueue,
  withQueue,
} from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";

describe("cancel", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  async function assertCancelled(
    id: string,
    attempts: number,
    message = "cancelled before it ran",
  ): Promise<void> {
    const [outcome] = await queue.results.read([id]);
    assert(outcome?.state === "settled");
    const { enqueued_at, finished_at, ...rest } = outcome.result;
    assert(finished_at >= enqueued_at && enqueued_at > 0);
    assert.deepEqual(rest, {
      v: 1,
      id,
      kind: "k",
      status: "cancelled",
      error: { message, reason: "cancelled" },
      attempts,
      handler_version: "",
      image_tag: "",
      worker_id: "",
    });
    assert.equal(await queue.redis.xlen(queue.stream), 0);
    assert.deepEqual(
      [await queue.redis.zcard(queue.keys.due), await queue.redis.hlen(queue.keys.dueEntries)],
      [0, 0],
    );
    assert.deepEqual(
      [await queue.redis.exists(queue.keys.index), await queue.redis.exists(queue.keys.cancelled)],
      [0, 0],
    );
    const stats = await queue.stats();
    assert.deepEqual([stats["live:k"], stats["task:k:k:cancelled"]], ["0", "1"]);
  }

  it("a waiting task never runs and has a result", async () => {
    await queue.push({ id: "x" });
    const waiting = queue.results.wait(["x"]);
    assert.deepEqual(await queue.producer.cancel(["x"]), ["cancelled"]);
    assert.deepEqual(await queue.consumer("w").read(5, BLOCK_MS), []);
    await assertCancelled("x", 0);
    assert.equal((await waiting).get("x")?.state, "settled");
  });

  it("a waiting task of a group that exists", async () => {
    await queue.producer.ensureGroup();
    await queue.push({ id: "x" });
    assert.deepEqual(await queue.producer.cancel(["x"]), ["cancelled"]);
    await assertCancelled("x", 0);
  });

  it("a delayed task", async () => {
    await queue.push({ id: "x", delayMs: 60_000 });
    assert.deepEqual(await queue.producer.cancel(["x"]), ["cancelled"]);
    await assertCancelled("x", 0);
  });

  it("a task that waits for its retry", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    const task = await queue.take(consumer);
    await consumer.retry([{ task, error: errorOf(task), delayMs: 60_000, runtimeMs: 1 }]);
    assert.deepEqual(await queue.producer.cancel(["x"]), ["cancelled"]);
    await assertCancelled("x", 1, "cancelled before it ran again");
  });

  it("a task that waits after its worker died", async () => {
    await queue.push({ id: "x" });
    await queue.take(queue.consumer("w"));
    await queue.keeper.reclaim(LEASE_OVER);
    assert.deepEqual(await queue.producer.cancel(["x"]), ["cancelled"]);
    await assertCancelled("x", 0, "cancelled before it ran again");
  });

  it("a running task is asked at once and by every heartbeat, and may end as it likes", async () => {
    const consumer = queue.consumer("w");
    const messages: ControlMessage[] = [];
    const control = new ControlSubscriber(queue.subscriber, [queue.stream], (message) =>
      messages.push(message),
    );
    await control.start();
    await queue.push({ id: "x" });
    const task = await queue.take(consumer);
    assert.deepEqual(await queue.producer.cancel(["x"]), ["requested"]);
    await waitFor("the control message", () => messages.length > 0);
    assert.deepEqual(messages, [{ type: "cancel", stream: queue.stream, id: "x" }]);
    assert.deepEqual((await consumer.heartbeat([task], reportOf("w"))).cancelled, [
      { stream: queue.stream, id: "x" },
    ]);
    assert.deepEqual((await consumer.heartbeat([task], reportOf("w"))).cancelled, [
      { stream: queue.stream, id: "x" },
    ]);
    assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
    assert.equal(await queue.redis.exists(queue.keys.cancelled), 0);
    assert.deepEqual(await queue.producer.cancel(["x"]), ["settled"]);
    control.stop();
  });

  for (const [name, attempts, end] of [
    ["its retry", 1, "retry"],
    ["its last failure", 1, "bury"],
    ["its hand-back", 0, "release"],
    ["its worker's death", 0, "reclaim"],
  ] as const) {
    it(`a running task that was asked to stop does not run again after ${name}`, async () => {
      const consumer = queue.consumer("w");
      await queue.push({ id: "x" });
      const task = await queue.take(consumer);
      await queue.producer.cancel(["x"]);
      const waiting = queue.results.wait(["x"]);
      if (end === "retry")
        assert.deepEqual(
          await consumer.retry([{ task, error: errorOf(task), delayMs: 60_000, runtimeMs: 1 }]),
          [true],
        );
      if (end === "bury")
        assert.deepEqual(await consumer.bury([{ task, error: errorOf(task), runtimeMs: 1 }]), [true]);
      if (end === "release") assert.deepEqual(await consumer.release([task]), [true]);
      if (end === "reclaim")
        assert.deepEqual(await queue.keeper.reclaim(LEASE_OVER), {
          requeued: [],
          buried: [],
          cancelled: ["x"],
        });
      assert.equal((await waiting).get("x")?.state, "settled");
      await assertCancelled("x", attempts, "cancelled while a worker held it");
      assert.deepEqual(await queue.letters.list(), []);
      const stats = await queue.stats();
      assert.deepEqual([stats["task:k:k:retry"], stats["task:k:k:dead"]], [undefined, undefined]);
      const ran = attempts === 0 ? undefined : "1";
      assert.deepEqual([stats["runtime:k:k:cancelled:0"], stats["fail:k:handler"]], [ran, ran]);
    });
  }

  it("tells settled, dead and unknown tasks apart, in the order asked", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "dead" });
    await queue.push({ id: "done" });
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    await queue.push({ id: "waits" });
    const ids = ["nobody", "waits", "done", "dead", "waits"];
    assert.deepEqual(await queue.producer.cancel(ids), [
      "unknown",
      "cancelled",
      "settled",
      "settled",
      "settled",
    ]);
    assert.deepEqual(await queue.producer.cancel([]), []);
    assert.equal((await queue.letters.list()).length, 1);
  });
});

describe("pause", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("no task is taken while it lasts, pushes still are, and resume brings them", async () => {
    const consumer = queue.consumer("w");
    assert.equal(await setPaused(queue.redis, queue.stream, true), true);
    assert.equal(await setPaused(queue.redis, queue.stream, true), false);
    await queue.push({ id: "x" });
    assert.deepEqual(await consumer.read(5, BLOCK_MS), []);
    assert.deepEqual(await consumer.read(5, BLOCK_MS), []);
    assert.equal((await depth(queue.redis, queue.stream)).paused, true);
    assert.equal((await depth(queue.redis, queue.stream)).waiting, 1);
    assert.equal((await consumer.heartbeat([], reportOf("w"))).paused, true);
    assert.equal(await setPaused(queue.redis, queue.stream, false), true);
    assert.equal(await setPaused(queue.redis, queue.stream, false), false);
    assert.equal((await consumer.heartbeat([], reportOf("w"))).paused, false);
    const task = await waitFor("the task", async () => (await consumer.read(5, BLOCK_MS))[0]);
    assert.deepEqual([task.id, task.deliveries, task.attempts], ["x", 0, 0]);
  });

  it("reaches a read that was blocked before it: its task goes back unrun", async () => {
    const consumer = queue.consumer("w");
    await queue.producer.ensureGroup();
    const blocked = consumer.read(1, 30_000);
    await waitFor("the blocked read", async () =>
      /cmd=xreadgroup/.test(String(await queue.redis.client("LIST"))),
    );
    await setPaused(queue.redis, queue.stream, true);
    await queue.push({ id: "x" });
    assert.deepEqual(await blocked, []);
    assert.deepEqual(await consumer.read(1, BLOCK_MS), []);
    assert.equal((await depth(queue.redis, queue.stream)).waiting, 1);
    assert.equal((await queue.stats()).released, "1");
  });

  it("leaves the other streams of a worker alone", async () => {
    const other = openQueue(queue.server);
    const consumer = queue.consumer("w", [queue.stream, other.stream]);
    await setPaused(queue.redis, queue.stream, true);
    await queue.push({ id: "paused" });
    await other.push({ id: "open" });
    assert.deepEqual(
      (await consumer.read(4, BLOCK_MS)).map(({ id }) => id),
      ["open"],
    );
    other.close();
  });

  it("is told to workers at once", async () => {
    const messages: ControlMessage[] = [];
    const control = new ControlSubscriber(queue.subscriber, [queue.stream], (message) =>
      messages.push(message),
    );
    await control.start();
    await setPaused(queue.redis, queue.stream, true);
    await setPaused(queue.redis, queue.stream, false);
    await waitFor("both messages", () => messages.length === 2);
    assert.deepEqual(messages, [
      { type: "pause", stream: queue.stream },
      { type: "resume", stream: queue.stream },
    ]);
  });
});

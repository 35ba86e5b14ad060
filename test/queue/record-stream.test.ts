import assert from "node:assert/strict";
import { RecordStream } from "../../worker/src/adapters/redis/record-stream.ts";
import { BEFORE_ALL } from "../../worker/src/ports/run-event-source.ts";
import { BLOCK_MS, errorOf, openQueue, resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import { Recorded, ROOM } from "../support/recorded.ts";
import { startRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

const OVERHEAD = 128;

describe("the stream of events", () => {
  let queue: TestQueue;
  withQueue((made) => {
    queue = made;
  });

  /** What the entries that wait count for, and how many tasks they tell of. */
  async function waiting() {
    let [bytes, rows] = [0, 0];
    for (const [, fields] of await queue.redis.xrange(queue.keys.events, "-", "+")) {
      const value = (name: string) => fields[fields.indexOf(name) + 1] ?? "";
      bytes += OVERHEAD + value("d").length + value("i").length + value("s").length;
      rows += Number(value("n"));
    }
    return { bytes, rows };
  }

  it("is switched on and off", async () => {
    const { stream } = await Recorded.on(queue, 4_096);
    assert.deepEqual(await stream.state(), {
      boundBytes: 4_096,
      usedBytes: 0,
      lost: 0,
      told: 0,
      lostAt: null,
    });
    assert.equal(await stream.lastId(), BEFORE_ALL);
    await stream.off();
    assert.equal((await stream.state()).boundBytes, null);
    await queue.push();
    assert.deepEqual(await stream.read(BEFORE_ALL, 10), []);
  });

  it("tells workers at once that it is on, when it was not", async () => {
    const messages: string[] = [];
    const subscriber = queue.redis.duplicate();
    await subscriber.subscribe(queue.keys.controlChannel);
    subscriber.on("message", (_channel, text) => messages.push(text));
    const stream = new RecordStream(queue.redis, queue.stream);
    await stream.on(4_096);
    await stream.on(8_192);
    await queue.redis.publish(queue.keys.controlChannel, "end");
    await waitFor("all messages", () => messages.includes("end"));
    assert.deepEqual(messages, ["announce", "end"]);
    subscriber.disconnect();
  });

  it("is read in order, whole entries up to so many tasks, after an entry", async () => {
    const { stream } = await Recorded.on(queue);
    for (const size of [3, 1, 2])
      await queue.producer.enqueue(Array.from({ length: size }, () => ({ kind: "k", payload: 1 })));
    const rowsOf = async (after: string, rows: number) =>
      (await stream.read(after, rows)).map((entry) => entry.rows);
    assert.deepEqual(await rowsOf(BEFORE_ALL, 100), [3, 1, 2]);
    assert.deepEqual(await rowsOf(BEFORE_ALL, 4), [3, 1]);
    assert.deepEqual(await rowsOf(BEFORE_ALL, 5), [3, 1, 2]);
    const [first] = await stream.read(BEFORE_ALL, 1);
    assert.deepEqual(await rowsOf(first?.id ?? "", 100), [1, 2]);
    const all = await stream.read(BEFORE_ALL, 100);
    assert.equal(await stream.lastId(), all.at(-1)?.id);
    await stream.trim(await stream.lastId());
    assert.equal(await stream.lastId(), all.at(-1)?.id, "it outlives the entries");
  });

  it("tells an entry that is none from the others", async () => {
    const { stream } = await Recorded.on(queue);
    await queue.redis.xadd(queue.keys.events, "*", "foo", "bar");
    await queue.redis.xadd(queue.keys.events, "*", "t", "settled", "at", "1", "n", "2", "d", "{");
    const found = await stream.read(BEFORE_ALL, 10);
    assert.deepEqual(
      found.map(({ rows, event }) => [rows, event]),
      [
        [0, undefined],
        [2, undefined],
      ],
    );
  });

  it("is trimmed up to an entry, more than one call's worth, and knows its size", async () => {
    const { stream } = await Recorded.on(queue);
    for (let n = 0; n < 1_200; n++) void queue.push({ id: `t${n}` });
    await queue.push({ id: "last" });
    const entries = await stream.read(BEFORE_ALL, 10_000);
    assert.equal(entries.length, 1_201);
    assert.equal((await stream.state()).usedBytes, (await waiting()).bytes);
    await stream.trim(entries[1_100]?.id ?? "");
    assert.deepEqual((await stream.read(BEFORE_ALL, 10_000)).length, 100);
    const left = (await waiting()).bytes;
    assert(left > 0);
    assert.equal((await stream.state()).usedBytes, left);
    await stream.trim(entries.at(-1)?.id ?? "");
    assert.deepEqual(await stream.state(), {
      boundBytes: ROOM,
      usedBytes: 0,
      lost: 0,
      told: 0,
      lostAt: null,
    });
  });

  it("over its bound the oldest go, and each is counted", async () => {
    const TASKS = 10_000;
    const { stream } = await Recorded.on(queue, 65_536);
    const consumer = queue.consumer("w");
    await queue.producer.enqueue(Array.from({ length: TASKS }, () => ({ kind: "k", payload: 1 })));
    for (let done = 0; done < TASKS; ) {
      const tasks = await consumer.read(100, BLOCK_MS);
      await consumer.settle(tasks.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })));
      done += tasks.length;
    }
    const { bytes, rows } = await waiting();
    const { usedBytes, lost, lostAt } = await stream.state();
    assert.equal(usedBytes, bytes);
    assert(bytes <= 65_536 && rows > 0);
    assert.equal(lost, 2 * TASKS - rows);
    assert(lostAt !== null && lostAt > 1e12);
    const types = (await stream.read(BEFORE_ALL, TASKS)).map(({ event }) => event?.type);
    assert(
      types.every((type) => type === "settled"),
      "the newest stay",
    );
  });

  it("an event that alone is over the bound goes too", async () => {
    const { stream } = await Recorded.on(queue, 1);
    await queue.push();
    const { lostAt, ...state } = await stream.state();
    assert.deepEqual(state, { boundBytes: 1, usedBytes: 0, lost: 1, told: 0 });
    assert(lostAt !== null);
  });
});

describe("events while memory is full", () => {
  it("ends and failures are told as ever, and refused pushes are not", async () => {
    const server = await startRedis();
    const queue = openQueue(server);
    try {
      const recorded = await Recorded.on(queue);
      const consumer = queue.consumer("w");
      await queue.producer.enqueue(["a", "b", "c"].map((id) => ({ kind: "k", payload: 1, id })));
      const [a, b, c] = await consumer.read(3, BLOCK_MS);
      assert(a !== undefined && b !== undefined && c !== undefined);
      await recorded.told();
      await server.client.config("SET", "maxmemory", "1mb");
      await assert.rejects(queue.push({ id: "d" }), /is full/);
      await consumer.settle([{ task: a, result: resultOf(a), runtimeMs: 1 }]);
      await consumer.retry([{ task: b, error: errorOf(b), runtimeMs: 1, delayMs: 1_000 }]);
      await consumer.bury([{ task: c, error: errorOf(c), runtimeMs: 1 }]);
      const told = (await recorded.told()).flatMap(({ changes }) => changes);
      assert.deepEqual(
        told.map(({ type, id }) => [type, id]),
        [
          ["settled", "a"],
          ["retried", "b"],
          ["buried", "c"],
        ],
      );
    } finally {
      queue.close();
      await server.stop();
    }
  });
});

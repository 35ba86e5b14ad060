import assert from "node:assert/strict";
import { WITHOUT_OUTPUTS } from "../../worker/src/adapters/files/outputs.ts";
import type { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import { Results } from "../../worker/src/adapters/redis/results.ts";
import { RedisUnavailableError } from "../../worker/src/core/errors.ts";
import { bury, openQueue, resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import { startRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

describe("results", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  async function settleOne(consumer: Consumer): Promise<string> {
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    return task.id;
  }

  /** How many commands the server has run, by name. */
  async function calls(name: string): Promise<number> {
    const found = new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(
      await queue.server.client.info("commandstats"),
    );
    return Number(found?.[1] ?? 0);
  }

  const subscribed = (count: number) =>
    waitFor("the subscription", async () => {
      const answer = (await queue.server.client.pubsub("NUMSUB", queue.keys.settledChannel)) as unknown[];
      return Number(answer[1]) === count;
    });

  it("reads settled, dead, open and unknown tasks in the order asked, in one round trip", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "dead" });
    await queue.push({ id: "done" });
    await settleOne(consumer);
    await queue.push({ id: "open" });
    const many = Array.from({ length: 2_500 }, (_, n) => `nobody${n}`);
    let flushes = 0;
    const stream = (queue.redis as unknown as { stream: { write: (...args: unknown[]) => boolean } }).stream;
    const write = stream.write.bind(stream);
    stream.write = (...args) => {
      flushes++;
      return write(...args);
    };
    const outcomes = await queue.results.read(["open", ...many, "dead", "done"]);
    assert.equal(flushes, 1);
    assert.deepEqual(
      [outcomes[0]?.state, outcomes[2_500]?.state, outcomes[2_501]?.state, outcomes[2_502]?.state],
      ["open", "open", "dead", "settled"],
    );
    assert.equal(outcomes.length, 2_503);
    assert.deepEqual(await queue.results.read([]), []);
  });

  it("finds what settled before the wait began", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    await settleOne(consumer);
    const seen: string[] = [];
    const outcomes = await queue.results.wait(["x"], { onOutcome: (id) => seen.push(id) });
    assert.equal(outcomes.get("x")?.state, "settled");
    assert.deepEqual(seen, ["x"]);
  });

  it("finds what settles between the first look and the subscription", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    // The first look finds nothing; then the task settles before anybody listens.
    const late = queue.connect("subscriber");
    const results = new Results(
      queue.redis,
      () => {
        const subscribe = late.subscribe.bind(late) as (...args: string[]) => Promise<unknown>;
        late.subscribe = (async (...args: string[]) => {
          await settleOne(consumer);
          return subscribe(...args);
        }) as typeof late.subscribe;
        return late;
      },
      queue.stream,
      WITHOUT_OUTPUTS,
    );
    assert.equal((await results.wait(["x"])).get("x")?.state, "settled");
  });

  it("waits for many without polling and calls back once each", async () => {
    const consumer = queue.consumer("w");
    const ids = Array.from({ length: 40 }, (_, n) => `t${n}`);
    await queue.producer.enqueue(ids.map((id) => ({ kind: "k", payload: 1, id })));
    const seen: string[] = [];
    // Connected already: the first connection is followed by a read of its own.
    await queue.subscriber.connect();
    const atFirst = await calls("mget");
    const waiting = queue.results.wait([...ids, "t0"], { onOutcome: (id) => seen.push(id) });
    await subscribed(1);
    await waitFor("the read after the subscription", async () => (await calls("mget")) === atFirst + 2);
    const before = await calls("mget");
    await queue.keeper.promote(1);
    assert.equal(await calls("mget"), before);
    for (let n = 0; n < ids.length; n++) await settleOne(consumer);
    const outcomes = await waiting;
    assert.deepEqual([...seen].sort(), [...ids].sort());
    assert.deepEqual([...outcomes.keys()], ids);
    assert((await calls("mget")) - before <= ids.length, "at most one read for each message");
  });

  it("stops at its signal and tells what is still open", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    await queue.push({ id: "y" });
    const stop = new AbortController();
    const seen: string[] = [];
    const waiting = queue.results.wait(["x", "y"], {
      signal: stop.signal,
      onOutcome: (id) => {
        seen.push(id);
        stop.abort();
      },
    });
    await settleOne(consumer);
    const outcomes = await waiting;
    assert.deepEqual([outcomes.get("x")?.state, outcomes.get("y")?.state, seen], ["settled", "open", ["x"]]);
    const aborted = await queue.results.wait(["y"], { signal: AbortSignal.abort() });
    assert.equal(aborted.get("y")?.state, "open");
  });

  it("misses nothing when its connection is cut", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    const waiting = queue.results.wait(["x"]);
    await subscribed(1);
    // Held back until the task has settled, so that no message can tell.
    const stream = (
      queue.subscriber as unknown as { connector: { connect: (...a: unknown[]) => Promise<unknown> } }
    ).connector;
    const connect = stream.connect.bind(stream);
    const gate = Promise.withResolvers<void>();
    stream.connect = async (...args) => {
      await gate.promise;
      return connect(...args);
    };
    await queue.server.client.call("CLIENT", "KILL", "TYPE", "pubsub");
    await subscribed(0);
    await settleOne(consumer);
    gate.resolve();
    assert.equal((await waiting).get("x")?.state, "settled");
  });

  it("lets two waits share a connection", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "x" });
    await queue.push({ id: "y" });
    const both = Promise.all([queue.results.wait(["x"]), queue.results.wait(["x", "y"])]);
    await settleOne(consumer);
    await settleOne(consumer);
    const [first, second] = await both;
    assert.deepEqual([first.size, second.size], [1, 2]);
    assert.equal(queue.subscriber.listenerCount("message"), 0);
  });
});

describe("results without Redis", () => {
  it("fail with the address instead of waiting for ever", async () => {
    const server = await startRedis();
    const queue = openQueue(server);
    await server.stop();
    const results = new Results(queue.connect("client"), queue.subscriber, queue.stream, WITHOUT_OUTPUTS);
    await assert.rejects(results.wait(["x"]), RedisUnavailableError);
    queue.close();
  });
});

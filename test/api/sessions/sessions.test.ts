import assert from "node:assert/strict";
import { sessionTag, sessionTaskId } from "../../../worker/src/core/session-token.ts";
import { errorOf, resultOf, type TestQueue, withQueue } from "../../support/queue.ts";
import { waitFor } from "../../support/wait.ts";
import { makeKey, publishKinds, TestApi } from "../support.ts";
import { cutClients, SessionClient } from "./support.ts";

describe("sessions over WebSocket", () => {
  let queue: TestQueue;
  const open: TestApi[] = [];
  withQueue((made) => {
    queue = made;
  });
  beforeEach(() => publishKinds(queue));
  afterEach(async () => {
    cutClients();
    for (const api of open.splice(0)) await api.close();
  });
  const start = async (environment: Readonly<Record<string, string>> = {}) => {
    const api = await TestApi.start(queue, environment);
    open.push(api);
    return api;
  };

  it("pushes a task and follows it to its end, with its result", async () => {
    const client = await SessionClient.open(await start());
    const pushed = await client.push("one", { kind: "n", payload: { n: 1 } });
    const id = sessionTaskId(sessionTag(client.token), "one");
    assert.deepEqual(pushed, { type: "pushed", ref: "one", id, state: "waiting" });
    // Before anything is told of the task.
    assert.equal(client.messages[1], pushed);
    const consumer = queue.consumer("w");
    const first = await queue.take(consumer);
    await consumer.retry([{ task: first, error: errorOf(first, "no luck"), runtimeMs: 5, delayMs: 0 }]);
    const second = await queue.take(consumer);
    const result = resultOf(second, { output: { found: "✓" } });
    await consumer.settle([{ task: second, result, runtimeMs: 5 }]);
    const states = [
      `${id} queued`,
      `${id} running 1`,
      `${id} retrying 1`,
      `${id} running 2`,
      `${id} succeeded 2`,
    ];
    assert.deepEqual(await client.told(5), states);
    assert.deepEqual(
      client.events.map(({ cursor }) => cursor),
      ["1", "2", "3", "4", "5"],
    );
    assert.deepEqual(client.events[4]?.result, result);
    const { reason, message } = client.events[2] ?? assert.fail();
    assert.deepEqual([reason, message], ["handler", "no luck"]);
    await client.close();
  });

  it("tells of a cancelled task with its result", async () => {
    const client = await SessionClient.open(await start());
    await queue.push({ id: "x" });
    const consumer = queue.consumer("w");
    const task = await queue.take(consumer);
    client.say({ type: "follow", ids: ["x"] });
    await client.next("followed");
    const result = resultOf(task, { status: "cancelled", output: "partial" });
    await consumer.settle([{ task, result, runtimeMs: 1 }]);
    await client.told(2);
    assert.deepEqual([client.events[1]?.state, client.events[1]?.result], ["cancelled", result]);
  });

  it("follows others' tasks, tells the letter of a dead one, cancels, and follows no more", async () => {
    const client = await SessionClient.open(await start());
    for (const id of ["dies", "stops", "quiet"]) await queue.push({ id });
    client.say({ type: "follow", ref: "f", ids: ["dies", "stops", "quiet"] });
    assert.deepEqual(await client.next("followed"), { type: "followed", ref: "f", following: 3 });
    client.say({ type: "unfollow", ids: ["quiet"] });
    assert.deepEqual(await client.next("unfollowed"), { type: "unfollowed", following: 2 });
    client.say({ type: "cancel", ref: "c", ids: ["stops", "quiet"] });
    const tasks = ["stops", "quiet"].map((id) => ({ id, state: "cancelled" }));
    assert.deepEqual(await client.next("cancel"), { type: "cancel", ref: "c", tasks });
    const consumer = queue.consumer("w");
    const dies = await queue.take(consumer);
    await consumer.bury([{ task: dies, error: errorOf(dies, "for ever"), runtimeMs: 5 }]);
    const states = [
      "dies queued",
      "stops queued",
      "quiet queued",
      "stops cancelled",
      "dies running 1",
      "dies dead 1",
    ];
    assert.deepEqual(await client.told(6), states);
    const { letter } = client.events.at(-1) as { letter?: { message: string } };
    assert.equal(letter?.message, "Moved to DLQ: for ever");
  });

  it("does not push twice what is sent again after a reconnect", async () => {
    const [one, other] = [await start(), await start()];
    const client = await SessionClient.open(one);
    const { id } = await client.push("r");
    await client.cut();
    const consumer = queue.consumer("w");
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    const next = await SessionClient.resume(other, client.token, client.cursor);
    assert.deepEqual(await next.push("r"), { type: "pushed", ref: "r", id, state: "duplicate" });
    const told = [...client.states, ...(await next.told(3 - client.states.length))];
    assert.deepEqual(told, [`${id} queued`, `${id} running 1`, `${id} succeeded 1`]);
    assert.equal((await queue.stats())["enqueued:k"], "1");
    await next.push("s");
    assert.equal(
      (await next.told(4 - client.states.length)).at(-1),
      `${sessionTaskId(sessionTag(client.token), "s")} queued`,
    );
  });

  it("keeps two sessions of one key apart, and a token to its key", async () => {
    const api = await start();
    const { key } = await makeKey(queue);
    const { key: foreign } = await makeKey(queue);
    const [one, other] = [await SessionClient.open(api, { key }), await SessionClient.open(api, { key })];
    const mine = await one.push("same ref");
    const theirs = await other.push("same ref");
    assert.notEqual(mine.id, theirs.id);
    await queue.producer.cancel([String(mine.id), String(theirs.id)]);
    assert.deepEqual(await one.told(2), [`${mine.id} queued`, `${mine.id} cancelled`]);
    assert.deepEqual(await other.told(2), [`${theirs.id} queued`, `${theirs.id} cancelled`]);
    const thief = await SessionClient.resume(api, one.token, "0", { key: foreign });
    assert.deepEqual(await thief.closed, [4404, "no such session: open another"]);
    assert.deepEqual(thief.messages, []);
    const late = await one.push("on");
    assert.equal((await one.told(3))[2], `${late.id} queued`);
    assert.equal(other.states.length, 2);
    const keys = await queue.redis.keys("*");
    assert.equal(
      keys.some((name) => name.includes(one.token)),
      false,
    );
    assert.equal(api.log.join("").includes(one.token), false);
    assert.equal(api.log.join("").includes(key), false);
  });

  it("takes a session over from a connection that is still open", async () => {
    const [one, other] = [await start(), await start()];
    const client = await SessionClient.open(one);
    const { id } = await client.push("a");
    const next = await SessionClient.resume(other, client.token);
    assert.deepEqual(await client.closed, [4410, "resumed on another connection"]);
    assert.deepEqual(await next.told(1), [`${id} queued`]);
    const session = await next.next("session");
    assert.deepEqual([session.resumed, session.cursor, session.token], [true, "1", client.token]);
  });

  it("tells a gap where events are gone", async () => {
    const api = await start({ TASKFLEET_SESSION_MAX_EVENTS: "10" });
    const client = await SessionClient.open(api);
    client.say({ type: "follow", ids: ["x"] });
    await client.told(1);
    await client.cut();
    await queue.push({ id: "x" });
    const consumer = queue.consumer("w");
    for (let run = 0; run < 11; run++) await consumer.release([await queue.take(consumer)]);
    const next = await SessionClient.resume(api, client.token, "1");
    await next.told(10);
    assert.deepEqual(
      next.messages.filter(({ type }) => type === "gap"),
      [{ type: "gap", after: "1", next: "4" }],
    );
    assert.deepEqual([next.events[0]?.cursor, next.events.at(-1)?.cursor], ["4", "13"]);
    next.say({ type: "ack", cursor: "13" });
    await waitFor("room in Redis", async () => {
      const keys = await queue.redis.keys(`{${queue.stream}}:session:*:events`);
      return (await Promise.all(keys.map((key) => queue.redis.xlen(key)))).every((length) => length === 0);
    });
    next.say({ type: "ack", cursor: "14" });
    const { problem } = await next.next("error");
    assert.equal((problem as { detail: string }).detail, "cursor: 14 was not sent yet; the last is 13");
  });
});

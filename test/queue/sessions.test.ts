import assert from "node:assert/strict";
import { Purge } from "../../worker/src/adapters/redis/purge.ts";
import { type SessionLimits, SessionStore } from "../../worker/src/adapters/redis/sessions.ts";
import {
  newHolder,
  newSessionToken,
  sessionTag,
  sessionTaskId,
} from "../../worker/src/core/session-token.ts";
import { isTaskId } from "../../worker/src/core/task-id.ts";
import { errorOf, LEASE_OVER, reportOf, resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";

const LIMITS: SessionLimits = {
  ...{ totalMs: 3_600_000, connectedMs: 60_000, resumeMs: 60_000 },
  ...{ perClient: 2, tasks: 5, events: 100 },
};

describe("sessions in Redis", () => {
  let queue: TestQueue;
  let store: SessionStore;
  withQueue((made) => {
    queue = made;
    store = limited({});
  });

  const limited = (limits: Partial<SessionLimits>) =>
    new SessionStore(queue.redis, queue.stream, { ...LIMITS, ...limits });
  const make = () => ({ tag: sessionTag(newSessionToken()), holder: newHolder() });
  async function opened(client = "key:a", from = store) {
    const session = make();
    assert.equal(await from.open(session, client), true);
    return session;
  }
  /** Id, state, attempt and further facts of each event after that number; their numbers grow by one. */
  async function told(tag: string, after = 0) {
    const events = await store.read(tag, after, 1_000);
    events.forEach(({ number }, i) => {
      assert.equal(number, after + i + 1);
    });
    return events.map(({ event: { id, state, attempt, why, reason, started_at } }) =>
      [id, state, attempt, why, reason, started_at].filter((fact) => fact !== undefined).join(" "),
    );
  }
  /** Keys of sessions that are there. */
  const left = async () =>
    (await queue.redis.keys(`{${queue.stream}}:*`)).filter((key) => /session|followed/.test(key));

  it("tells every change of a followed task in its order, in the step that makes it", async () => {
    const { tag } = await opened();
    assert.equal(await store.follow(tag, ["x"], true), 1);
    await queue.push({ id: "x" });
    const consumer = queue.consumer("w");
    const first = await queue.take(consumer);
    const began = { began: new Map([[first, 1_234]]), progress: new Map() };
    await consumer.heartbeat([first], reportOf("w"));
    await consumer.heartbeat([first], reportOf("w"), began);
    // Announced again, because an answer was lost.
    await consumer.heartbeat([first], reportOf("w"), began);
    await consumer.retry([{ task: first, error: errorOf(first, "no"), runtimeMs: 5, delayMs: 0 }]);
    const second = await queue.take(consumer);
    await consumer.release([second]);
    const third = await queue.take(consumer);
    await consumer.heartbeat([third], reportOf("w"), { began: new Map([[third, 9]]), progress: new Map() });
    await queue.keeper.reclaim(LEASE_OVER);
    const fourth = await queue.take(consumer);
    const result = resultOf(fourth, { output: { attempts: 99, started_at: 1, status: "cancelled" } });
    assert.deepEqual(await consumer.settle([{ task: third, result, runtimeMs: 1 }]), [false]);
    const settled = { task: fourth, result, runtimeMs: 1 };
    assert.deepEqual(await consumer.settle([settled]), [true]);
    assert.deepEqual(await consumer.settle([settled]), [true]);
    assert.deepEqual(await told(tag), [
      "x queued pushed",
      "x running 1 1234",
      "x retrying 1 handler",
      "x queued released",
      "x running 2 9",
      "x queued reclaimed",
      "x running 2 1000",
      "x succeeded 2 1000",
    ]);
    assert.equal(await queue.redis.exists(queue.keys.followed), 0);
    assert.equal(await store.follow(tag, []), 0);
  });

  it("tells of burials, cancels and purges", async () => {
    const { tag } = await opened();
    await store.follow(tag, ["dead", "cancelled", "purged", "stopped", "poison"], true);
    const consumer = queue.consumer("w");
    await queue.push({ id: "dead" });
    const dead = await queue.take(consumer);
    await consumer.bury([{ task: dead, error: errorOf(dead), runtimeMs: 5 }]);
    await queue.push({ id: "cancelled" });
    await queue.producer.cancel(["cancelled"]);
    await queue.push({ id: "purged", delayMs: 60_000 });
    const states = new Set(["delayed"] as const);
    await new Purge(queue.redis, queue.stream, {
      ...{ states, olderThanMs: 0, dryRun: false, resultTtlSeconds: 60 },
    }).run();
    await queue.push({ id: "stopped" });
    const stopped = await queue.take(consumer);
    await queue.producer.cancel(["stopped"]);
    await consumer.release([stopped]);
    await queue.push({ id: "poison" });
    await queue.take(consumer);
    await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 0 });
    assert.deepEqual(await told(tag), [
      ...["dead queued pushed", "dead running 1", "dead dead 1 handler"],
      ...["cancelled queued pushed", "cancelled cancelled"],
      ...["purged queued pushed", "purged cancelled"],
      ...["stopped queued pushed", "stopped cancelled"],
      ...["poison queued pushed", "poison dead poison"],
    ]);
  });

  it("tells how a task stands that is followed late, and again to whoever asks again", async () => {
    const consumer = queue.consumer("w");
    await queue.push({ id: "done" });
    const done = await queue.take(consumer);
    await consumer.settle([{ task: done, result: resultOf(done, { status: "error" }), runtimeMs: 1 }]);
    await queue.push({ id: "held" });
    await queue.take(consumer);
    await queue.push({ id: "failed" });
    const failed = await queue.take(consumer);
    await consumer.retry([{ task: failed, error: errorOf(failed), runtimeMs: 5, delayMs: 60_000 }]);
    await queue.push({ id: "later", delayMs: 60_000 });
    const { tag } = await opened();
    assert.equal(await store.follow(tag, ["done", "held", "failed"]), 2);
    assert.equal(await store.follow(tag, ["later", "held", "none"]), 4);
    assert.deepEqual(await told(tag), [
      ...["done failed 1 1000", "held running 1", "failed retrying 1", "later queued", "none unknown"],
      "held running 1",
    ]);
    assert.equal(await store.follow(tag, ["done", "held"], true), 4);
    assert.equal((await told(tag)).length, 6);
    await queue.producer.cancel(["later"]);
    assert.equal(await store.follow(tag, ["failed", "none", "failed"]), 3);
    assert.deepEqual(await told(tag, 6), ["later cancelled", "failed retrying 1", "none unknown"]);
  });

  it("tells the start of a task that was held, and perhaps not begun, when it was followed", async () => {
    const consumer = queue.consumer("w");
    const { tag } = await opened();
    await queue.push({ id: "x" });
    await queue.push({ id: "short" });
    const [x, short] = [await queue.take(consumer), await queue.take(consumer)];
    await store.follow(tag, ["x", "short"]);
    const began = { began: new Map([[x, 1_234]]), progress: new Map() };
    for (let time = 0; time < 2; time++) await consumer.heartbeat([x, short], reportOf("w"), began);
    for (const task of [x, short]) await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    assert.deepEqual(await told(tag), [
      ...["x running 1", "short running 1", "x running 1 1234"],
      ...["x succeeded 1 1000", "short succeeded 1 1000"],
    ]);
  });

  it("keeps 500 characters of a failure's message, and none in part", async () => {
    const { tag } = await opened();
    const consumer = queue.consumer("w");
    for (const [id, length] of [
      ["long", 501],
      ["fits", 500],
    ] as const) {
      await queue.push({ id });
      const task = await queue.take(consumer);
      await store.follow(tag, [id], true);
      const error = errorOf(task, "é".repeat(length));
      await consumer.retry([{ task, error, runtimeMs: 5, delayMs: 60_000 }]);
    }
    const messages = (await store.read(tag, 0, 10)).flatMap(({ event }) => event.message ?? []);
    assert.deepEqual(messages, ["é".repeat(500), "é".repeat(500)]);
  });

  it("lets no session see another's events, and gives one task to all that follow it", async () => {
    const [one, other] = [await opened(), await opened()];
    await store.follow(one.tag, ["a", "both"], true);
    await store.follow(other.tag, ["b", "both"], true);
    for (const id of ["a", "b", "both"]) await queue.push({ id });
    assert.deepEqual(await told(one.tag), ["a queued pushed", "both queued pushed"]);
    assert.deepEqual(await told(other.tag), ["b queued pushed", "both queued pushed"]);
    assert.equal(await store.unfollow(one.tag, ["both", "b"]), 1);
    await queue.producer.cancel(["both", "b"]);
    assert.deepEqual(await told(one.tag, 2), []);
    assert.deepEqual(await told(other.tag, 2), ["both cancelled", "b cancelled"]);
  });

  it("goes on with a session for its own client only, and tells its other connection", async () => {
    const { tag } = await opened("key:a");
    await store.follow(tag, ["x"], true);
    await queue.push({ id: "x" });
    const heard: string[] = [];
    await queue.subscriber.subscribe(queue.keys.sessionNews);
    queue.subscriber.on("message", (_channel, text) => heard.push(text));
    const next = { tag, holder: newHolder() };
    assert.equal(await store.resume(next, "key:b"), undefined);
    const { leftMs = 0, ...resumed } = (await store.resume(next, "key:a")) ?? {};
    assert.deepEqual(resumed, { last: 1, following: 1 });
    assert.ok(leftMs > 3_500_000 && leftMs <= 3_600_000);
    await waitFor("the word", () => heard.includes(`!${tag} ${next.holder}`));
    assert.deepEqual(await store.touch([{ tag, holder: "the first" }, next, make()]), [
      "taken",
      "renewed",
      "gone",
    ]);
    await store.end({ tag, holder: "the first" });
    assert.notEqual(await store.resume(next, "key:a"), undefined);
    await store.end(next);
    assert.deepEqual(await left(), []);
  });

  it("gives a client so many sessions; one that was left makes room, a connected one does not", async () => {
    const [first] = [await opened(), await opened()];
    assert.equal(await store.open(make(), "key:a"), false);
    await opened("key:b");
    await store.leave([first]);
    await opened();
    assert.equal(await store.resume(first, "key:a"), undefined);
    assert.equal(await store.open(make(), "key:a"), false);
  });

  it("counts a session of a replica that died no longer than it may be without a sign", async () => {
    const short = limited({ connectedMs: 1, resumeMs: 1 });
    await opened("key:a", short);
    await opened("key:a", short);
    await waitFor("room", () => short.open(make(), "key:a"));
  });

  it("forgets sessions that nobody resumed, and all that they follow", async () => {
    const session = await opened();
    await store.follow(session.tag, ["x"], true);
    await queue.push({ id: "x" });
    await limited({ resumeMs: 0 }).leave([session]);
    await store.touch([]);
    assert.deepEqual(await left(), []);
    assert.equal(await store.resume(session, "key:a"), undefined);
  });

  it("ends a session at its deadline, whoever holds it", async () => {
    const short = limited({ totalMs: 1 });
    const session = await opened("key:a", short);
    await waitFor("its end", async () => (await short.resume(session, "key:a")) === undefined);
    for (const key of await left()) assert.ok((await queue.redis.pttl(key)) > 0, key);
  });

  it("keeps so many events, and a gap shows in their numbers", async () => {
    const few = limited({ events: 2 });
    const { tag } = await opened("key:a", few);
    await few.follow(tag, ["x"], true);
    await queue.push({ id: "x" });
    const consumer = queue.consumer("w");
    for (let run = 0; run < 2; run++) await consumer.release([await queue.take(consumer)]);
    assert.deepEqual(
      (await few.read(tag, 0, 10)).map(({ number }) => number),
      [2, 3],
    );
    await few.acknowledge(tag, 2);
    assert.deepEqual(
      (await few.read(tag, 0, 10)).map(({ number }) => number),
      [3],
    );
  });

  it("follows no more tasks than a session may", async () => {
    const { tag } = await opened();
    assert.equal(await store.follow(tag, ["1", "2", "3", "4"]), 4);
    assert.equal(await store.follow(tag, ["1", "5", "6"]), "many");
    assert.equal(await store.follow(tag, ["1", "5", "5"]), 5);
    assert.equal(await store.follow(make().tag, ["1"]), "gone");
  });

  it("tells progress of followed tasks to whoever is there", async () => {
    const { tag } = await opened();
    await store.follow(tag, ["x"], true);
    const heard: string[] = [];
    await queue.subscriber.subscribe(queue.keys.sessionNews);
    queue.subscriber.on("message", (_channel, text) => heard.push(text));
    await queue.producer.enqueue(["x", "y"].map((id) => ({ kind: "k", payload: 1, id })));
    const consumer = queue.consumer("w");
    const [x, y] = await consumer.read(2, 20);
    assert.ok(x !== undefined && y !== undefined);
    assert.equal(consumer.isHeard(queue.stream), true);
    const progress = new Map([
      [x, { done: 0.5, note: "half" }],
      [y, { done: 0.1, note: "" }],
    ]);
    await consumer.heartbeat([x, y], reportOf("w"), { began: new Map(), progress });
    const text = await waitFor("the progress", () => heard.find((one) => one.startsWith("{")));
    assert.deepEqual(JSON.parse(text), { to: ` ${tag}`, id: "x", done: 0.5, note: "half" });
    assert.equal(heard.filter((one) => one.startsWith("{")).length, 1);
  });

  it("makes ids of tasks from session and ref, the same each time and in no other session", () => {
    const [one, other] = [make().tag, make().tag];
    assert.equal(isTaskId(sessionTaskId(one, "any text at all ✓")), true);
    assert.equal(sessionTaskId(one, "a"), sessionTaskId(one, "a"));
    assert.equal(
      new Set([one, other].flatMap((tag) => [sessionTaskId(tag, "a"), sessionTaskId(tag, "b")])).size,
      4,
    );
  });
});

import assert from "node:assert/strict";
import { KindLimiter } from "../../worker/src/adapters/redis/kind-limits.ts";
import { Purge } from "../../worker/src/adapters/redis/purge.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import {
  BLOCK_MS,
  errorOf,
  LEASE_OVER,
  reportOf,
  resultOf,
  type TestQueue,
  withQueue,
} from "../support/queue.ts";
import { Recorded } from "../support/recorded.ts";

describe("events for the record", () => {
  let queue: TestQueue;
  let recorded: Recorded;
  withQueue((made) => {
    queue = made;
  });
  beforeEach(async () => {
    recorded = await Recorded.on(queue);
  });

  /** Pushes and takes tasks of these ids; what that tells is thrown away. */
  async function held(...ids: string[]): Promise<DeliveredTask[]> {
    await queue.producer.enqueue(ids.map((id) => ({ kind: "k", payload: 1, id, agentId: `agent-of-${id}` })));
    const tasks = await consumer().read(ids.length, BLOCK_MS);
    await recorded.told();
    return tasks;
  }
  const consumers = new WeakMap<TestQueue, ReturnType<TestQueue["consumer"]>>();
  function consumer() {
    const made = consumers.get(queue) ?? queue.consumer("w");
    consumers.set(queue, made);
    return made;
  }
  const factsOf = ({ id, kind, enqueuedAt }: DeliveredTask) => ({
    ...{ id, kind, agentId: `agent-of-${id}`, priority: "normal" as const, enqueuedAt },
  });
  async function only() {
    const events = await recorded.told();
    assert.equal(events.length, 1, JSON.stringify(events));
    return events[0] ?? assert.fail();
  }

  it("a push: one entry a call, the producer's own text, a digit per task", async () => {
    await queue.producer.enqueue([
      { kind: "k", payload: 1, id: "a" },
      { kind: "k", payload: 1, id: "a" },
      { kind: "k", payload: 1, id: "b", delayMs: 5_000, agentId: "agent" },
    ]);
    await queue.producer.enqueue([{ kind: "k", payload: 1, id: "a" }]);
    const raw = await queue.redis.xrange(queue.keys.events, "-", "+");
    assert.equal(raw.length, 1);
    const [, , , at] = raw[0]?.[1] ?? [];
    const data = `[["k","",0,2,0],["k","{\\"agentId\\":\\"agent\\"}",5000,1,0]]`;
    const fields = ["t", "queued", "at", at, "n", "2", "d", data, "i", `["a","a","b"]`, "s", "102"];
    assert.deepEqual(raw[0]?.[1], fields);
    const event = await only();
    const common = { type: "queued", kind: "k", priority: "normal", enqueuedAt: event.at } as const;
    assert.deepEqual(event.changes, [
      { ...common, id: "a", agentId: "a" },
      { ...common, id: "b", agentId: "agent", dueAt: event.at + 5_000 },
    ]);
  });

  it("a push of another priority names it", async () => {
    await queue.push({ id: "a", priority: "low" });
    const { at, changes } = await only();
    const facts = { kind: "k", agentId: "a", priority: "low", enqueuedAt: at } as const;
    assert.deepEqual(changes, [{ type: "queued", id: "a", ...facts }]);
  });

  it("a heartbeat tells what began, how far it is, and nothing of what is lost", async () => {
    const [a, b] = await held("a", "b");
    assert(a !== undefined && b !== undefined);
    const lost = { ...b, entryId: "1-1" };
    const began = new Map([
      [a, 100],
      [b, 200],
      [lost, 300],
    ]);
    const progress = new Map([
      [b, { done: 0.5, note: "half" }],
      [lost, { done: 1, note: "" }],
    ]);
    await consumer().heartbeat([a, b, lost], reportOf("w"), { began, progress });
    const { type, changes } = await only();
    assert.equal(type, "began");
    const common = { type: "began", attempts: 0, deliveries: 0, workerId: "w" } as const;
    assert.deepEqual(changes, [
      { ...common, ...factsOf(a), startedAt: 100 },
      { ...common, ...factsOf(b), startedAt: 200 },
      { type: "progressed", id: "b", done: 0.5, note: "half", workerId: "w" },
    ]);
  });

  it("a heartbeat without news, or whose news are all of lost tasks, tells nothing", async () => {
    const [a] = await held("a");
    assert(a !== undefined);
    await consumer().heartbeat([a], reportOf("w"));
    const began = new Map([[{ ...a, entryId: "1-1" }, 100]]);
    await consumer().heartbeat([...began.keys()], reportOf("w"), { began, progress: new Map() });
    assert.deepEqual(await recorded.told(), []);
  });

  it("results: with all that the record keeps; what was taken back is not told", async () => {
    const [a, b, c] = await held("a", "b", "c");
    assert(a !== undefined && b !== undefined && c !== undefined);
    const gone = { ...c, entryId: "1-1" };
    const error = { message: "no such page", reason: "handler" } as const;
    const done = await consumer().settle([
      { task: a, result: resultOf(a), runtimeMs: 5 },
      { task: b, result: { ...resultOf(b, { status: "error", error }), attempts: 3 }, runtimeMs: 6 },
      { task: gone, result: resultOf(c, { output: "late" }), runtimeMs: 7 },
    ]);
    assert.deepEqual(done, [true, true, false]);
    const told = { startedAt: 1_000, workerId: "w", handlerVersion: "1.0.0", imageTag: "bundle:sha256:0" };
    const { type, changes } = await only();
    assert.equal(type, "settled");
    const common = { type: "settled", finishedAt: 2_000 } as const;
    assert.deepEqual(changes, [
      { ...common, ...factsOf(a), status: "success", told: { attempts: 1, ...told } },
      { ...common, ...factsOf(b), status: "error", ...error, told: { attempts: 3, ...told } },
    ]);
  });

  it("results of a worker that does not know of the record yet: kind, status and reason", async () => {
    const other = queue.consumer("w2");
    const [a] = await held("a");
    assert(a !== undefined);
    const error = { message: "no such page", reason: "handler" } as const;
    await other.settle([{ task: a, result: resultOf(a, { status: "error", error }), runtimeMs: 5 }]);
    const { at, changes } = await only();
    const facts = { id: "a", kind: "k", agentId: "a", priority: "normal", enqueuedAt: at } as const;
    assert.deepEqual(changes, [
      { type: "settled", ...facts, status: "error", finishedAt: at, reason: "handler" },
    ]);
  });

  it("a retry and a burial; a call that is sent again is told once", async () => {
    const [a, b] = await held("a", "b");
    assert(a !== undefined && b !== undefined);
    const retry = [{ task: a, error: errorOf(a), runtimeMs: 250, delayMs: 4_000 }];
    await consumer().retry(retry);
    assert.deepEqual(await consumer().retry(retry), [true]);
    const retried = await only();
    const common = {
      attempts: 1,
      deliveries: 0,
      startedAt: 1_250,
      reason: "handler",
      workerId: "w",
    } as const;
    const dueAt = retried.at + 4_000;
    assert.deepEqual(retried.changes, [
      { type: "retried", ...factsOf(a), ...common, message: "it broke", failedAt: 1_500, dueAt },
    ]);
    const burial = [{ task: b, error: errorOf(b), runtimeMs: 250 }];
    await consumer().bury(burial);
    assert.deepEqual(await consumer().bury(burial), [true]);
    const message = "Moved to DLQ: it broke";
    assert.deepEqual((await only()).changes, [
      { type: "buried", ...factsOf(b), ...common, message, finishedAt: 1_500 },
    ]);
  });

  it("tasks that were asked to stop are cancelled by whatever puts them back", async () => {
    const [a, b, c, d] = await held("a", "b", "c", "d");
    assert(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
    await queue.producer.cancel(["a", "b", "c", "d"]);
    assert.deepEqual(await recorded.told(), [], "to be asked is no change yet");
    const failed = (task: DeliveredTask) => ({ task, error: errorOf(task), runtimeMs: 1 });
    await consumer().retry([{ ...failed(a), delayMs: 0 }]);
    await consumer().bury([failed(b)]);
    await consumer().release([c]);
    await queue.keeper.reclaim(LEASE_OVER);
    const events = await recorded.told();
    const message = "cancelled while a worker held it";
    const of = (task: DeliveredTask, i: number, attempts: number, deliveries: number) => [
      ...[{ type: "cancelled", ...factsOf(task), attempts, deliveries, finishedAt: events[i]?.at, message }],
    ];
    assert.deepEqual(
      events.map(({ changes }) => changes),
      [of(a, 0, 1, 0), of(b, 1, 1, 0), of(c, 2, 0, 0), of(d, 3, 0, 1)],
    );
  });

  it("tasks that are handed back, and those that are taken back", async () => {
    const [a] = await held("a");
    assert(a !== undefined);
    await consumer().release([a]);
    const common = { ...factsOf(a), attempts: 0 };
    assert.deepEqual((await only()).changes, [{ type: "back", ...common, deliveries: 0 }]);
    await queue.take(consumer());
    await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 1 });
    assert.deepEqual((await only()).changes, [{ type: "reclaimed", ...common, deliveries: 1 }]);
    await queue.take(consumer());
    await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 1 });
    const { at, changes } = await only();
    const [letter] = await queue.letters.list();
    const end = { finishedAt: at, reason: "poison", message: letter?.message };
    assert.match(String(letter?.message), /^Moved to DLQ: its workers died/);
    assert.deepEqual(changes, [{ type: "buried", ...common, deliveries: 2, ...end }]);
    await queue.letters.requeue(letter === undefined ? [] : [letter]);
    assert.deepEqual((await only()).changes, [{ type: "requeued", ...factsOf(a) }]);
  });

  it("what is cancelled or purged before it runs", async () => {
    await queue.push({ id: "a" });
    await queue.push({ id: "b" });
    await queue.push({ id: "c", delayMs: 60_000 });
    await recorded.told();
    await queue.producer.cancel(["a", "nobody"]);
    const cancel = await only();
    const of = (id: string, message: string, at: number) => ({
      ...{ type: "cancelled", id, kind: "k", agentId: id, priority: "normal", attempts: 0, deliveries: 0 },
      ...{ finishedAt: at, message },
    });
    const shown = cancel.changes.map((change) => ({ ...change, enqueuedAt: undefined }));
    assert.deepEqual(shown, [{ ...of("a", "cancelled before it ran", cancel.at), enqueuedAt: undefined }]);
    const states = new Set(["waiting", "delayed"] as const);
    const order = { states, olderThanMs: 0, dryRun: false, resultTtlSeconds: 60 };
    await new Purge(queue.redis, queue.stream, order).run();
    const purged = (await recorded.told()).flatMap(({ changes }) => changes);
    assert.deepEqual(
      purged.map((change) => [change.type, change.id, "message" in change ? change.message : ""]),
      [
        ["cancelled", "c", "purged"],
        ["cancelled", "b", "purged"],
      ],
    );
  });

  it("a task that is parked is no change; one that is cancelled there is", async () => {
    const [a, b] = await held("a", "b");
    assert(a !== undefined && b !== undefined);
    const limiter = new KindLimiter(queue.redis, "w", new Map([["k", { concurrency: 1 }]]));
    assert.equal(await limiter.admit(a), "admitted");
    assert.equal(await limiter.admit(b), "parked");
    assert.deepEqual(await recorded.told(), []);
    await queue.producer.cancel(["b"]);
    assert.deepEqual(
      (await only()).changes.map(({ type, id }) => [type, id]),
      [["cancelled", "b"]],
    );
  });

  it("one that was asked to stop and may not start is cancelled", async () => {
    const [a, b] = await held("a", "b");
    assert(a !== undefined && b !== undefined);
    const limiter = new KindLimiter(queue.redis, "w", new Map([["k", { concurrency: 1 }]]));
    await limiter.admit(a);
    await queue.producer.cancel(["b"]);
    await limiter.admit(b);
    assert.deepEqual(
      (await only()).changes.map(({ type, id }) => [type, id]),
      [["cancelled", "b"]],
    );
  });

  it("nothing is told, and no key is there, while the record is off", async () => {
    await recorded.stream.off();
    const [a, b] = await held("a", "b");
    assert(a !== undefined && b !== undefined);
    await consumer().heartbeat([a], reportOf("w"), { began: new Map([[a, 1]]), progress: new Map() });
    await consumer().settle([{ task: a, result: resultOf(a), runtimeMs: 5 }]);
    await consumer().bury([{ task: b, error: errorOf(b), runtimeMs: 5 }]);
    assert.equal(await queue.redis.exists(queue.keys.record, queue.keys.events), 0);
  });
});

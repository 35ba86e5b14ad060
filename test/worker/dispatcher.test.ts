import assert from "node:assert/strict";
import { defineHandler, Type } from "../../worker/src/handler.ts";
import { Dispatcher, type DispatcherOptions } from "../../worker/src/runtime/dispatcher.ts";
import { HeldTasks } from "../../worker/src/runtime/held-tasks.ts";
import type { Outcome } from "../../worker/src/runtime/outcome.ts";
import { ThreadPool } from "../../worker/src/runtime/threads/thread-pool.ts";
import { UNTRACED } from "../../worker/src/tracing/tracing.ts";
import { closedCircuits } from "../support/circuits.ts";
import { deliveredTask } from "./support/tasks.ts";

/** A handler that ends with the reason of its abort. */
const waits = defineHandler({
  kind: "k",
  version: "1",
  description: "",
  payload: Type.Object({}),
  run: (_payload, { signal }) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason))),
});
const returns = { ...waits, run: async () => "done" };

function setUp(given: Partial<DispatcherOptions> = {}, handler: typeof waits = waits) {
  const held = new HeldTasks();
  const written: Outcome[] = [];
  const loaded = { ...handler, isolation: "event-loop" as const, source: "bundled" };
  const dispatcher = new Dispatcher({
    held,
    handlers: new Map([["k", loaded]]),
    check: () => ({ payload: {} }),
    gate: { limits: () => false, pass: async () => "start" },
    concurrency: 2,
    defaults: { timeoutMs: 60_000, maxAttempts: 3 },
    graceMs: 1_000,
    policy: {
      workerId: "w",
      imageTag: "",
      spacing: { baseMs: 0, maxMs: 0, jitter: 0 },
      random: () => 0,
      redact: (text) => text,
    },
    threads: new ThreadPool(),
    circuits: closedCircuits,
    secrets: { require: () => "" },
    traces: UNTRACED.attempts,
    now: Date.now,
    elapsed: () => performance.now(),
    write: (outcome) => written.push(outcome),
    onStart: () => {},
    onProgress: () => {},
    onFree: () => {},
    log: () => {},
    ...given,
  });
  return { held, written, dispatcher };
}

const ends = (written: readonly Outcome[]) => written.map(({ type, task }) => `${type} ${task.stream}`);

describe("a dispatcher", () => {
  const a = deliveredTask({ stream: "a" });
  const b = deliveredTask({ stream: "b" });

  it("cancels the task of its own stream only, also where ids are the same", async () => {
    const { held, written, dispatcher } = setUp();
    for (const task of [a, b]) held.add(task);
    dispatcher.fill();
    dispatcher.cancel([{ stream: "a", id: a.id }]);
    dispatcher.abortAll("stopping");
    await dispatcher.settled();
    assert.deepEqual(ends(written), ["settle a", "release b"]);
  });

  it("loses the entry of its own stream only, also where entry ids are the same", () => {
    const { held, dispatcher } = setUp();
    for (const task of [a, b]) held.add(task);
    dispatcher.lose([{ stream: "b", priority: b.priority, entryId: b.entryId }]);
    assert.deepEqual(
      held.all().map(({ task }) => task.stream),
      ["a"],
    );
  });

  it("fails a task that cannot be checked, and gives its slot to the next", async () => {
    const check: DispatcherOptions["check"] = ({ stream }) => {
      if (stream === "a") throw new TypeError("no such schema");
      return { payload: {} };
    };
    const { held, written, dispatcher } = setUp({ check, concurrency: 1 }, returns);
    for (const task of [a, b]) held.add(task);
    dispatcher.fill();
    await dispatcher.settled();
    assert.deepEqual(ends(written), ["retry a", "settle b"]);
    const [first] = written;
    assert.ok(first?.type === "retry");
    assert.equal(first.error.message, "TypeError: no such schema");
    assert.equal(held.running, 0);
  });

  it("survives options that are none", async () => {
    const { held, written, dispatcher } = setUp({}, returns);
    held.add(deliveredTask({ options: null as never, attempts: 2 }));
    dispatcher.fill();
    await dispatcher.settled();
    assert.deepEqual(ends(written), ["bury s"]);
  });

  it("measures run times by the monotonic clock, whatever the wall clock does", async () => {
    const wall = [50_000, 20_000];
    const steady = [100, 350.4];
    const { held, written, dispatcher } = setUp(
      { now: () => wall.shift() ?? 0, elapsed: () => steady.shift() ?? 0 },
      returns,
    );
    held.add(a);
    dispatcher.fill();
    await dispatcher.settled();
    const [end] = written;
    assert.ok(end?.type === "settle");
    const { started_at, finished_at } = end.result;
    assert.deepEqual([started_at, finished_at, end.runtimeMs], [50_000, 50_250, 250]);
    assert.equal(Math.round(dispatcher.meanRunMs ?? 0), 250);
  });
});

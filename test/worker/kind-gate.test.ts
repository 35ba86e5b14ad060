import assert from "node:assert/strict";
import { defineHandler, Type } from "../../worker/src/handler.ts";
import { Dispatcher } from "../../worker/src/runtime/dispatcher.ts";
import { HeldTasks } from "../../worker/src/runtime/held-tasks.ts";
import { KindGate, type KindGateOptions } from "../../worker/src/runtime/kind-gate.ts";
import type { Outcome } from "../../worker/src/runtime/outcome.ts";
import { ThreadPool } from "../../worker/src/runtime/threads/thread-pool.ts";
import { UNTRACED } from "../../worker/src/tracing/tracing.ts";
import { closedCircuits } from "../support/circuits.ts";
import { deliveredTask } from "./support/tasks.ts";

type Queue = KindGateOptions["queue"];

function setUp(queue: Partial<Queue>, concurrency = 1) {
  const held = new HeldTasks();
  const ran: string[] = [];
  const written: Outcome[] = [];
  const failures: unknown[] = [];
  const gate = new KindGate({
    queue: {
      limits: (kind) => kind === "limited",
      admit: async () => "admitted",
      ended: async () => 0,
      ...queue,
    },
    onFailure: (error) => failures.push(error),
  });
  const handler = (kind: string) => ({
    ...defineHandler({
      kind,
      version: "1",
      description: "",
      payload: Type.Object({}),
      run: async (_payload, { taskId }) => ran.push(taskId),
    }),
    isolation: "event-loop" as const,
    source: "bundled",
  });
  const dispatcher = new Dispatcher({
    held,
    handlers: new Map(["limited", "free"].map((kind) => [kind, handler(kind)])),
    check: () => ({ payload: {} }),
    gate,
    concurrency,
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
  });
  const hold = (id: string, kind: string) => held.add(deliveredTask({ id, kind, entryId: id }));
  const ends = () => written.map(({ type, task }) => `${type} ${task.id}`);
  return { held, ran, failures, gate, dispatcher, hold, ends };
}

describe("the gate of limited kinds", () => {
  it("asks for those kinds only", async () => {
    const asked: string[] = [];
    const admit: Queue["admit"] = async ({ id }) => {
      asked.push(id);
      return "admitted";
    };
    const { dispatcher, hold, ran } = setUp({ admit }, 3);
    hold("a", "free");
    hold("b", "limited");
    hold("c", "free");
    dispatcher.fill();
    assert.deepEqual(ran, ["a", "c"], "what is free starts at once");
    await dispatcher.settled();
    assert.deepEqual([asked, ran], [["b"], ["a", "c", "b"]]);
  });

  for (const answer of ["parked", "gone", "cancelled"] as const) {
    it(`forgets a task that is ${answer}, and gives its place to the next`, async () => {
      const { dispatcher, hold, held, ran, ends } = setUp({ admit: async () => answer });
      hold("a", "limited");
      hold("b", "free");
      dispatcher.fill();
      await dispatcher.settled();
      assert.deepEqual([ran, ends()], [["b"], ["settle b"]]);
      assert.deepEqual([held.running, held.prefetched, held.all().map(({ task }) => task.id)], [0, 0, ["b"]]);
    });
  }

  it("hands a task back that Redis could not judge, unrun", async () => {
    const admit = async () => {
      throw new Error("WRONGTYPE");
    };
    const { dispatcher, hold, ran, ends, failures } = setUp({ admit });
    hold("a", "limited");
    dispatcher.fill();
    await dispatcher.settled();
    assert.deepEqual([ran, ends()], [[], ["release a"]]);
    assert.match(String(failures), /WRONGTYPE/);
  });

  it("hands a task back that is let through when the worker takes nothing more", async () => {
    const answer = Promise.withResolvers<"admitted">();
    const { dispatcher, hold, ran, ends } = setUp({ admit: () => answer.promise });
    hold("a", "limited");
    dispatcher.fill();
    dispatcher.close();
    answer.resolve("admitted");
    await dispatcher.settled();
    assert.deepEqual([ran, ends()], [[], ["release a"]]);
  });

  it("gives slots of limited kinds on, and tells when all are", async () => {
    const given: string[] = [];
    const last = Promise.withResolvers<number>();
    const ended: Queue["ended"] = ({ id }) => {
      given.push(id);
      return id === "last" ? last.promise : Promise.reject(new Error("lost"));
    };
    const { gate, failures } = setUp({ ended });
    for (const [id, kind] of [
      ["free", "free"],
      ["lost", "limited"],
      ["last", "limited"],
    ] as const)
      gate.ended(deliveredTask({ id, kind }));
    let drained = false;
    const waiting = gate.drained().then(() => {
      drained = true;
    });
    await new Promise(setImmediate);
    assert.equal(drained, false);
    last.resolve(1);
    await waiting;
    assert.deepEqual([given, failures.map(String)], [["lost", "last"], ["Error: lost"]]);
  });
});

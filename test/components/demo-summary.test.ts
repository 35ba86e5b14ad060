import assert from "node:assert/strict";
import {
  type DemoOutcome,
  percentile,
  problems,
  sumEnds,
  summarise,
} from "../../components/cli/demo/summary.ts";
import type { DeadLetter, ResultRecord } from "../../worker/contract/records.ts";

const ends = { success: 2, error: 0, cancelled: 0, dead: 1 };
const counts = { reclaimed: 2, lateRefused: 1, mostWorkers: 4, ends };

function settled(id: string, change: Partial<ResultRecord> = {}): DemoOutcome {
  const result: ResultRecord = {
    v: 1,
    id,
    kind: "flaky",
    status: "success",
    attempts: 1,
    enqueued_at: 1_000,
    started_at: 1_040,
    finished_at: 1_100,
    handler_version: "1.0.0",
    image_tag: "bundle:sha256:00",
    worker_id: "w1",
    ...change,
  };
  return { state: "settled", result };
}

function dead(id: string, attempts: number): DemoOutcome {
  const letter: DeadLetter = {
    v: 1,
    id,
    kind: "flaky",
    payload: "{}",
    options: "",
    enqueued_at: 1_000,
    attempts,
    deliveries: 0,
    errors: [],
    buried_at: 2_000,
    message: "Moved to DLQ: no",
  };
  return { state: "dead", letter };
}

describe("percentile", () => {
  it("is the nearest rank", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.equal(percentile(values, 0.5), 50);
    assert.equal(percentile(values, 0.99), 99);
    assert.equal(percentile([7], 0.5), 7);
    assert.equal(percentile([], 0.99), 0);
  });
});

describe("the demo's summary", () => {
  it("counts each outcome once and measures waits of first runs only", () => {
    const outcomes = [
      settled("a"),
      settled("b", { attempts: 3, started_at: 9_000, finished_at: 9_500 }),
      dead("c", 3),
      { state: "open" } as const,
    ];
    const tasks = ["a", "b", "c", "d"].map((id) => ({ id, expect: "success" }) as const);
    assert.deepEqual(summarise(tasks, outcomes, counts), {
      pushed: 4,
      done: 2,
      retried: 2,
      deadLettered: 1,
      open: 1,
      wait: { p50: 40, p99: 40 },
      run: { p50: 60, p99: 500 },
      mostWorkers: 4,
      reclaimed: 2,
      lateRefused: 1,
      hostile: { all: 0, asExpected: 0 },
    });
  });

  it("counts hostile programs, and those that ended with their reason", () => {
    const tasks = ["a", "b"].map((id) => ({ id, expect: "error:cpu" }) as const);
    const error = (reason: "cpu" | "timeout") =>
      ({ status: "error", error: { message: "", reason } }) as const;
    const outcomes = [settled("a", error("cpu")), settled("b", error("timeout"))];
    assert.deepEqual(summarise(tasks, outcomes, counts).hostile, { all: 2, asExpected: 1 });
    assert.deepEqual(
      problems(tasks, outcomes, { ...counts, ends: { ...ends, success: 0, error: 2, dead: 0 } }),
      ["task b ended as error:timeout, expected error:cpu"],
    );
  });

  it("never shows a wait below zero when clocks differ", () => {
    assert.deepEqual(summarise([], [settled("a", { started_at: 900 })], counts).wait, { p50: 0, p99: 0 });
  });
});

describe("the demo's verdict", () => {
  const tasks = [
    { id: "a", expect: "success" },
    { id: "b", expect: "success-on-third-run" },
    { id: "c", expect: "dead" },
  ] as const;
  const good = [settled("a"), settled("b", { attempts: 3 }), dead("c", 3)];

  it("finds nothing where all is as demanded", () => {
    assert.deepEqual(problems(tasks, good, counts), []);
  });

  it("names each task that is not", () => {
    const bad = [{ state: "open" } as const, settled("b", { attempts: 2 }), dead("c", 2)];
    assert.deepEqual(problems(tasks, bad, counts), [
      "task a has neither a result nor a dead letter",
      "task b took 2 runs, expected 3",
      "dead letter c shows 2 runs, expected 3",
    ]);
  });

  it("names a failed task with its error", () => {
    const failed = settled("a", { status: "error", error: { message: "exit status 2", reason: "exit" } });
    assert.deepEqual(problems(tasks, [failed, ...good.slice(1)], counts), [
      "task a ended as error: exit status 2",
    ]);
  });

  it("finds a task that ended twice, though it has one result", () => {
    assert.deepEqual(problems(tasks, good, { ...counts, ends: { ...ends, success: 3, cancelled: 1 } }), [
      "the queue counted 3 ends as success, expected 2",
      "the queue counted 1 ends as cancelled, expected 0",
    ]);
  });

  it("adds up the ends of several kinds", () => {
    assert.deepEqual(sumEnds([ends, { success: 1, error: 2, cancelled: 3, dead: 4 }]), {
      success: 3,
      error: 2,
      cancelled: 3,
      dead: 5,
    });
  });

  it("demands that the kills were felt", () => {
    assert.deepEqual(problems(tasks, good, { ...counts, reclaimed: 1, lateRefused: 0 }), [
      "1 tasks were reclaimed, expected at least 2",
      "no late result was refused, expected at least 1",
    ]);
  });
});

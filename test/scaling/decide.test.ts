import assert from "node:assert/strict";
import {
  type BacklogPolicy,
  decide,
  initialState,
  type ScalingSignals,
  type ScalingState,
} from "../../worker/contract/scaling.ts";

const PLAIN: BacklogPolicy = {
  min: 1,
  max: 32,
  tasksPerWorker: 2,
  warmPool: 0,
  warmPoolWhenIdle: false,
  idleToZeroSeconds: 300,
};
const WARM: BacklogPolicy = { ...PLAIN, warmPool: 2 };
const NOW = 1_800_000_000_000;

function signals(given: Partial<ScalingSignals>): ScalingSignals {
  return { nowMs: NOW, waiting: 0, running: 0, dueRetries: 0, busyWorkers: 0, liveWorkers: 1, ...given };
}

function desired(policy: BacklogPolicy, given: Partial<ScalingSignals>, state = initialState(1)) {
  const decision = decide(signals(given), policy, state);
  return [decision.desired, decision.reason];
}

describe("scaling law: 1 to 32 workers, two tasks each", () => {
  // pending, max(1, min(32, pending // 2)), and the term that decides
  const rows: [number, number, string][] = [
    [1, 1, "minimum"],
    [2, 1, "backlog"],
    [3, 1, "backlog"],
    [4, 2, "backlog"],
    [10, 5, "backlog"],
    [63, 31, "backlog"],
    [64, 32, "backlog"],
    [65, 32, "backlog"],
    [66, 32, "maximum"],
    [1000, 32, "maximum"],
  ];
  for (const [pending, workers, reason] of rows)
    it(`${pending} pending: ${workers} workers`, () => {
      assert.deepEqual(desired(PLAIN, { waiting: pending }), [workers, reason]);
    });

  it("counts waiting, running and due retries alike", () => {
    assert.deepEqual(desired(PLAIN, { waiting: 4, running: 4, dueRetries: 2 }), [5, "backlog"]);
    assert.deepEqual(desired(PLAIN, { dueRetries: 10, liveWorkers: 0 }), [5, "backlog"]);
  });

  it("starts one worker for one task when the minimum is 0", () => {
    assert.deepEqual(desired({ ...PLAIN, min: 0 }, { waiting: 1, liveWorkers: 0 }), [1, "minimum"]);
  });
});

describe("scaling law: busy workers and the warm pool", () => {
  const rows: [string, Partial<ScalingSignals>, number, string][] = [
    ["the first task from zero wakes the pool", { waiting: 1, liveWorkers: 0 }, 2, "warm-pool"],
    ["two free ones beside each busy one", { running: 3, busyWorkers: 3 }, 5, "warm-pool"],
    [
      "a deep backlog already gives more than the pool",
      { waiting: 17, running: 3, busyWorkers: 3 },
      10,
      "backlog",
    ],
    ["the pool never goes over the maximum", { running: 31, busyWorkers: 31 }, 32, "maximum"],
    ["more busy workers than the maximum are all kept", { running: 40, busyWorkers: 40 }, 40, "busy"],
    ["nothing pending: the pool is not kept", { liveWorkers: 5 }, 1, "minimum"],
  ];
  for (const [title, given, workers, reason] of rows)
    it(title, () => {
      assert.deepEqual(desired(WARM, given), [workers, reason]);
    });

  it("says busy where neither backlog nor pool asks for as many", () => {
    assert.deepEqual(desired(PLAIN, { running: 3, busyWorkers: 3 }), [3, "busy"]);
    assert.deepEqual(desired(PLAIN, { busyWorkers: 3 }), [3, "busy"]);
  });
});

describe("scaling law: idle", () => {
  const idleFor = (ms: number): ScalingState => ({ idleSinceMs: NOW - ms, desired: 1 });

  it("remembers when the work ended, and forgets it when work comes", () => {
    const first = decide(signals({}), PLAIN, initialState(3));
    assert.deepEqual(first.state, { idleSinceMs: NOW, desired: 1 });
    const later = decide(signals({ nowMs: NOW + 5000 }), PLAIN, first.state);
    assert.equal(later.state.idleSinceMs, NOW);
    const work = decide(signals({ nowMs: NOW + 6000, waiting: 8 }), PLAIN, later.state);
    assert.deepEqual(work.state, { idleSinceMs: null, desired: 4 });
  });

  it("goes to zero at exactly five minutes, not a millisecond before", () => {
    assert.deepEqual(desired(PLAIN, {}, idleFor(299_999)), [1, "minimum"]);
    assert.deepEqual(desired(PLAIN, {}, idleFor(300_000)), [0, "idle"]);
  });

  it("keeps a worker that is busy after all", () => {
    assert.deepEqual(desired(PLAIN, { busyWorkers: 2 }, idleFor(300_000)), [2, "busy"]);
  });

  it("starts nobody from zero without work, whatever the minimum", () => {
    assert.deepEqual(desired({ ...PLAIN, min: 3 }, { liveWorkers: 0 }), [0, "idle"]);
  });

  it("keeps the pool when the policy says so, also from zero", () => {
    const kept = { ...WARM, warmPoolWhenIdle: true };
    assert.deepEqual(desired(kept, { liveWorkers: 0 }), [2, "warm-pool"]);
    assert.deepEqual(desired(kept, { liveWorkers: 4 }, idleFor(300_000)), [2, "warm-pool"]);
    assert.deepEqual(desired({ ...kept, warmPool: 50 }, {}, idleFor(300_000)), [32, "warm-pool"]);
  });

  it("does not wait longer because the clock went back", () => {
    const back = decide(signals({ nowMs: NOW - 60_000 }), PLAIN, idleFor(0));
    assert.equal(back.state.idleSinceMs, NOW - 60_000);
  });
});

describe("scaling law: signals lost", () => {
  it("holds what was decided last and keeps the state", () => {
    const before = decide(signals({ waiting: 20 }), PLAIN, initialState(0)).state;
    assert.deepEqual(decide(null, PLAIN, before), { desired: 10, reason: "hold", state: before });
  });
  it("holds the live workers when nothing was decided yet", () => {
    assert.equal(decide(null, PLAIN, initialState(7)).desired, 7);
  });
});

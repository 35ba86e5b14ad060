import assert from "node:assert/strict";
import fc from "fast-check";
import { decide, pendingTasks } from "../../worker/contract/scaling.ts";

const count = fc.integer({ min: 0, max: 2000 });

const policies = fc
  .record({
    min: fc.integer({ min: 0, max: 40 }),
    span: fc.integer({ min: 0, max: 60 }),
    tasksPerWorker: fc.integer({ min: 1, max: 50 }),
    warmPool: fc.integer({ min: 0, max: 10 }),
    warmPoolWhenIdle: fc.boolean(),
    idleToZeroSeconds: fc.integer({ min: 0, max: 1000 }),
  })
  .map(({ span, ...policy }) => ({ ...policy, max: Math.max(1, policy.min + span) }));

const signals = fc.record({
  nowMs: fc.integer({ min: 1_000_000, max: 2_000_000 }),
  waiting: count,
  running: count,
  dueRetries: count,
  busyWorkers: fc.integer({ min: 0, max: 120 }),
  liveWorkers: fc.integer({ min: 0, max: 120 }),
});

const states = fc.record({
  idleSinceMs: fc.option(fc.integer({ min: 0, max: 1_000_000 })),
  desired: fc.integer({ min: 0, max: 120 }),
});

const nothing = { waiting: 0, running: 0, dueRetries: 0 };

describe("scaling law: properties", () => {
  it("never wants fewer workers for more tasks", () => {
    fc.assert(
      fc.property(signals, policies, states, count, (given, policy, state, more) => {
        const grown = { ...given, waiting: given.waiting + more };
        assert.ok(decide(given, policy, state).desired <= decide(grown, policy, state).desired);
      }),
    );
  });

  it("never goes below the busy workers, nor over the maximum but for them", () => {
    fc.assert(
      fc.property(signals, policies, states, (given, policy, state) => {
        const { desired } = decide(given, policy, state);
        assert.ok(desired >= given.busyWorkers);
        assert.ok(desired <= Math.max(policy.max, given.busyWorkers));
      }),
    );
  });

  it("keeps the minimum, one worker and the warm pool while there is work", () => {
    fc.assert(
      fc.property(signals, policies, states, (given, policy, state) => {
        fc.pre(pendingTasks(given) > 0);
        const { desired } = decide(given, policy, state);
        assert.ok(desired >= Math.max(1, policy.min));
        assert.ok(desired >= Math.min(policy.max, given.busyWorkers + policy.warmPool));
      }),
    );
  });

  it("fires the idle rule at the boundary and at no other time", () => {
    fc.assert(
      fc.property(signals, policies, fc.integer({ min: 0, max: 1_000_000 }), (given, policy, idleMs) => {
        const state = { idleSinceMs: given.nowMs - idleMs, desired: 3 };
        const quiet = { ...given, ...nothing, busyWorkers: 0, liveWorkers: 5 };
        const { desired } = decide(quiet, policy, state);
        const pool = policy.warmPoolWhenIdle ? Math.min(policy.max, policy.warmPool) : 0;
        const fired = idleMs >= policy.idleToZeroSeconds * 1000;
        assert.equal(desired, fired ? pool : Math.max(policy.min, pool));
      }),
      {
        examples: [
          [
            { nowMs: 1_000_000, ...nothing, busyWorkers: 0, liveWorkers: 5 },
            {
              min: 1,
              max: 2,
              tasksPerWorker: 2,
              warmPool: 2,
              warmPoolWhenIdle: false,
              idleToZeroSeconds: 300,
            },
            300_000,
          ],
        ],
      },
    );
  });

  it("starts nobody from zero without work unless the pool stays", () => {
    fc.assert(
      fc.property(signals, policies, states, (given, policy, state) => {
        const quiet = { ...given, ...nothing, busyWorkers: 0, liveWorkers: 0 };
        const pool = policy.warmPoolWhenIdle ? Math.min(policy.max, policy.warmPool) : 0;
        assert.equal(decide(quiet, policy, state).desired, pool);
      }),
    );
  });

  it("settles: the same signals again give the same number", () => {
    fc.assert(
      fc.property(signals, policies, states, (given, policy, state) => {
        fc.pre(pendingTasks(given) > 0);
        const first = decide(given, policy, state);
        assert.deepEqual(decide({ ...given, liveWorkers: first.desired }, policy, first.state), first);
      }),
    );
  });

  it("holds without signals", () => {
    fc.assert(
      fc.property(policies, states, (policy, state) => {
        assert.deepEqual(decide(null, policy, state), { desired: state.desired, reason: "hold", state });
      }),
    );
  });
});

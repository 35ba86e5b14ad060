import assert from "node:assert/strict";
import fc from "fast-check";
import type { Member } from "../../worker/src/spawner/fleet.ts";
import { plan, stuckWorkers, trackIdle, trackSilent } from "../../worker/src/spawner/plan.ts";

const IDLE: Omit<Member, "workerId"> = {
  managed: true,
  startedAt: 0,
  draining: false,
  busy: false,
  ready: true,
  silent: false,
  stale: false,
};

const member = (workerId: string, given: Partial<Member> = {}): Member => ({ workerId, ...IDLE, ...given });
const NOBODY_IDLE = new Map<string, number>();

describe("spawner: what the actuator is to do", () => {
  it("starts what is missing, counting those that already start", () => {
    const members = [member("a"), member("b", { ready: false })];
    assert.deepEqual(plan(5, members, NOBODY_IDLE), { start: 3, drain: [] });
  });

  it("counts neither draining nor silent workers", () => {
    const members = [member("a", { draining: true }), member("b", { ready: false, silent: true })];
    assert.deepEqual(plan(1, members, NOBODY_IDLE), { start: 1, drain: [] });
  });

  it("drains the longest idle first, never a busy or starting or foreign one", () => {
    const members = [
      member("busy", { busy: true }),
      member("late"),
      member("early"),
      member("starting", { ready: false }),
      member("foreign", { managed: false }),
    ];
    const idleSince = new Map([
      ["late", 200],
      ["early", 100],
      ["foreign", 1],
    ]);
    assert.deepEqual(plan(3, members, idleSince), { start: 0, drain: ["early"] });
    assert.deepEqual(plan(0, members, idleSince), { start: 0, drain: ["early", "late"] });
  });

  it("replaces workers of another revision one ready worker at a time", () => {
    const old = ["a", "b", "c", "d"].map((id) => member(id, { stale: true, busy: id === "a" }));
    assert.deepEqual(plan(4, old, NOBODY_IDLE), { start: 1, drain: [] });
    const starting = [...old, member("n1", { ready: false })];
    assert.deepEqual(plan(4, starting, NOBODY_IDLE), { start: 0, drain: [] });
    const ready = [...old, member("n1")];
    assert.deepEqual(plan(4, ready, NOBODY_IDLE), { start: 0, drain: ["b"] });
    const last = [
      member("a", { stale: true, busy: true }),
      ...["n1", "n2", "n3", "n4"].map((id) => member(id)),
    ];
    assert.deepEqual(plan(4, last, NOBODY_IDLE), { start: 0, drain: ["a"] });
  });

  it("replaces the only worker without a gap", () => {
    const old = member("a", { stale: true });
    assert.deepEqual(plan(1, [old], NOBODY_IDLE), { start: 1, drain: [] });
    assert.deepEqual(plan(1, [old, member("n")], NOBODY_IDLE), { start: 0, drain: ["a"] });
  });

  it("shrinks by workers of another revision first", () => {
    const members = [member("old", { stale: true }), member("new")];
    assert.deepEqual(plan(1, members, new Map([["new", 1]])), { start: 0, drain: ["old"] });
    assert.deepEqual(plan(0, [member("old", { stale: true })], NOBODY_IDLE), { start: 0, drain: ["old"] });
  });
});

describe("spawner: since when a worker is idle", () => {
  it("keeps the first time, drops the busy and the gone, begins anew after work", () => {
    const first = trackIdle(NOBODY_IDLE, [member("a"), member("b")], 100);
    const second = trackIdle(first, [member("a"), member("b", { busy: true })], 200);
    assert.deepEqual([...second], [["a", 100]]);
    assert.deepEqual([...trackIdle(second, [member("b")], 300)], [["b", 300]]);
  });
});

describe("spawner: which workers are stuck", () => {
  const silent = (id: string, given: Partial<Member> = {}) =>
    member(id, { ready: false, silent: true, ...given });

  it("takes for stuck who stays silent, not who spoke again or cannot be stopped", () => {
    const first = trackSilent(
      new Map(),
      [
        silent("stuck"),
        silent("back"),
        silent("drains", { draining: true }),
        silent("foreign", { managed: false }),
      ],
      100,
    );
    assert.deepEqual(stuckWorkers(first, 100), []);
    const second = trackSilent(first, [silent("stuck"), member("back"), silent("new")], 10_099);
    assert.deepEqual(stuckWorkers(second, 10_099), []);
    const third = trackSilent(second, [silent("stuck"), silent("back"), silent("new")], 10_100);
    assert.deepEqual(stuckWorkers(third, 10_100), ["stuck"]);
  });
});

describe("spawner: every plan", () => {
  const members = fc.array(
    fc.record({
      managed: fc.boolean(),
      startedAt: fc.integer({ min: 0, max: 100 }),
      draining: fc.boolean(),
      busy: fc.boolean(),
      ready: fc.boolean(),
      silent: fc.constant(false),
      stale: fc.boolean(),
    }),
    { maxLength: 40 },
  );
  const fleet = members.map((list) =>
    list.map((given, index) => ({
      ...given,
      workerId: `w${index}`,
      // What the fleet's view guarantees: only ready workers are known to be busy, only managed ones are stale.
      busy: given.busy && given.ready,
      stale: given.stale && given.managed,
    })),
  );

  it("drains a busy worker only to replace it", () => {
    fc.assert(
      fc.property(fleet, fc.integer({ min: 0, max: 50 }), (list, desired) => {
        const drained = new Set(plan(desired, list, NOBODY_IDLE).drain);
        for (const one of list) if (drained.has(one.workerId)) assert.ok(!one.busy || one.stale);
      }),
    );
  });

  it("reaches the desired number of fresh workers when each step is carried out", () => {
    fc.assert(
      fc.property(fleet, fc.integer({ min: 0, max: 50 }), (list, desired) => {
        let now: Member[] = list.map((one) => ({ ...one, ready: true, busy: false, managed: true }));
        for (let step = 0; step < 200; step += 1) {
          const next = plan(desired, now, NOBODY_IDLE);
          if (next.start === 0 && next.drain.length === 0) break;
          const fresh = Array.from({ length: next.start }, (_, i) => member(`s${step}-${i}`));
          now = [...now.filter((one) => !next.drain.includes(one.workerId)), ...fresh];
        }
        const live = now.filter((one) => !one.draining);
        assert.equal(live.length, desired);
        assert.ok(live.every((one) => !one.stale));
      }),
    );
  });

  it("keeps the only ready worker while another one starts", () => {
    const members = [member("starting", { ready: false }), member("ready")];
    assert.deepEqual(plan(1, members, NOBODY_IDLE), { start: 0, drain: [] });
  });

  it("leaves as many ready workers as wanted, or all there are", () => {
    fc.assert(
      fc.property(fleet, fc.integer({ min: 0, max: 50 }), (list, desired) => {
        const takes = list.filter((one) => !one.draining && (one.ready || one.stale));
        const drained = new Set(plan(desired, list, NOBODY_IDLE).drain);
        const left = takes.filter((one) => !drained.has(one.workerId)).length;
        assert.ok(left >= Math.min(desired, takes.length));
      }),
    );
  });
});

import assert from "node:assert/strict";
import type { ReportedWorker } from "../../worker/src/adapters/redis/workers.ts";
import type { ManagedWorker } from "../../worker/src/ports/actuator.ts";
import { fleetMembers, liveMembers } from "../../worker/src/spawner/fleet.ts";

const NOW = 1_000_000;
const AHEAD = 3_600_000;
const VIEW = { nowMs: NOW, localNowMs: NOW + AHEAD, leaseMs: 6_000, revision: "b" };

function managed(workerId: string, given: Partial<ManagedWorker> = {}): ManagedWorker {
  return { workerId, revision: "b", startedAt: NOW + AHEAD - 60_000, draining: false, ...given };
}

function report(worker_id: string, given: Partial<ReportedWorker> = {}): ReportedWorker {
  return {
    worker_id,
    pid: 1,
    host: "h",
    state: "idle",
    slots: 4,
    running: {},
    image_tag: "t",
    revision: "b",
    started_at: NOW - 60_000,
    address: "",
    seen_at: NOW - 1_000,
    holding: 0,
    ...given,
  };
}

const flags = (workers: ManagedWorker[], reports: ReportedWorker[]) =>
  fleetMembers(workers, reports, VIEW).map((member) => ({
    id: member.workerId,
    is: (["managed", "ready", "busy", "draining", "silent", "stale"] as const).filter((flag) => member[flag]),
  }));

// The machine's clock is an hour ahead of the queue's: neither may be measured by the other.
describe("spawner: who is in the fleet", () => {
  it("knows a starting, an idle and a busy worker apart", () => {
    const workers = [managed("starting", { startedAt: NOW + AHEAD - 500 }), managed("idle"), managed("busy")];
    assert.deepEqual(flags(workers, [report("idle"), report("busy", { holding: 2 })]), [
      { id: "starting", is: ["managed"] },
      { id: "idle", is: ["managed", "ready"] },
      { id: "busy", is: ["managed", "ready", "busy"] },
    ]);
  });

  it("takes the tasks of another stream for work too", () => {
    assert.deepEqual(flags([managed("w")], [report("w", { running: { hash: 1 } })]), [
      { id: "w", is: ["managed", "ready", "busy"] },
    ]);
    assert.deepEqual(flags([managed("w")], [report("w", { running: { hash: 0 } })]), [
      { id: "w", is: ["managed", "ready"] },
    ]);
  });

  it("knows a container's worker by its host name, and the last one of a container that was started again", () => {
    const reports = [
      report("c1-first", { host: "c1", seen_at: NOW - 5_000, holding: 3 }),
      report("c1-second", { host: "c1" }),
      report("c2-only", { host: "c2", holding: 1 }),
      report("elsewhere", { host: "c3" }),
    ];
    const containers = [
      managed("1", { host: "c1" }),
      managed("2", { host: "c2" }),
      managed("4", { host: "c4" }),
    ];
    assert.deepEqual(flags(containers, reports), [
      { id: "1", is: ["managed", "ready"] },
      { id: "2", is: ["managed", "ready", "busy"] },
      { id: "4", is: ["managed"] },
      { id: "elsewhere", is: ["ready"] },
    ]);
  });

  it("counts on a worker for one lease, and calls it silent after two", () => {
    const at = (ms: number) => flags([managed("w")], [report("w", { seen_at: NOW - ms })])[0]?.is;
    assert.deepEqual(at(6_000), ["managed", "ready"]);
    assert.deepEqual(at(6_001), ["managed"]);
    assert.deepEqual(at(12_000), ["managed"]);
    assert.deepEqual(at(12_001), ["managed", "silent"]);
  });

  it("gives a starting worker a minute to report", () => {
    const at = (ms: number) => flags([managed("w", { startedAt: NOW + AHEAD - ms })], [])[0]?.is;
    assert.deepEqual(at(60_000), ["managed"]);
    assert.deepEqual(at(60_001), ["managed", "silent"]);
  });

  it("believes the worker itself that it drains, also when another spawner asked for it", () => {
    assert.deepEqual(flags([managed("w")], [report("w", { state: "draining" })])[0]?.is, [
      "managed",
      "ready",
      "draining",
    ]);
  });

  it("counts unmanaged workers while they report, and never as stale", () => {
    const reports = [report("mine", { revision: "a" }), report("dead", { seen_at: NOW - 6_001 })];
    assert.deepEqual(flags([], reports), [{ id: "mine", is: ["ready"] }]);
  });

  it("calls workers of another revision stale, but not where no revision is known", () => {
    const old = managed("w", { revision: "a" });
    assert.deepEqual(flags([old], [report("w")])[0]?.is, ["managed", "ready", "stale"]);
    assert.equal(fleetMembers([old], [], { ...VIEW, revision: "" })[0]?.stale, false);
  });

  it("has as live ones those that take tasks or soon will", () => {
    const workers = [
      managed("starting", { startedAt: NOW + AHEAD }),
      managed("ready"),
      managed("silent", { startedAt: NOW + AHEAD - 60_001 }),
      managed("draining", { draining: true }),
    ];
    const live = liveMembers(fleetMembers(workers, [report("ready"), report("draining")], VIEW));
    assert.deepEqual(
      live.map((member) => member.workerId),
      ["starting", "ready"],
    );
  });
});

import assert from "node:assert/strict";
import type { ScalingOrder } from "../../worker/contract/scaling-order.ts";
import type { ScalingRecord } from "../../worker/contract/scaling-record.ts";
import { createLogger } from "../../worker/src/logging/logger.ts";
import type { ManagedWorker } from "../../worker/src/ports/actuator.ts";
import { FailureLog } from "../../worker/src/spawner/failure-log.ts";
import { WATCH_EVENTS } from "../../worker/src/watcher/events.ts";
import { ServiceWatch } from "../../worker/src/watcher/service-watch.ts";
import { reportOf } from "../support/queue.ts";

const TERM = new AbortController().signal;
const SERVER_MS = 1_000_000;

/** A watch in a world that the test sets; a start lasts until the test ends it. */
async function world() {
  const now = {
    ms: 0,
    desired: 0,
    order: { mode: "law" } as ScalingOrder,
    revision: "r1",
    unreadable: false,
    containers: [] as ManagedWorker[],
    /** Ids of those that report, and of those that hold tasks. */
    ready: new Set<string>(),
    busy: new Set<string>(),
  };
  const done: string[] = [];
  let finish = Promise.withResolvers<readonly string[]>();
  const logger = await createLogger({
    name: "t",
    json: true,
    level: "error",
    destination: { write: () => {} },
  });
  const failures = new FailureLog(logger, () => now.ms, WATCH_EVENTS);
  const record = (): ScalingRecord => ({
    ...{ desired: now.desired, reason: "backlog", idleSinceMs: null, decidedAtMs: 0, pending: 0 },
    ...{ busyWorkers: 0, liveWorkers: 0, address: "" },
  });
  const watch = new ServiceWatch({
    queue: {
      wanted: async () => ({ record: record(), order: now.order }),
      workers: async () => ({
        nowMs: SERVER_MS + now.ms,
        reports: [...now.ready].map((id) => ({
          ...reportOf(`${id}-x`),
          ...{ host: id, seen_at: SERVER_MS + now.ms, holding: now.busy.has(id) ? 1 : 0 },
        })),
      }),
      recordExit: async () => {},
    },
    actuator: {
      list: async () => now.containers,
      start: async (count) => {
        done.push(`start ${count}`);
        return finish.promise;
      },
      drain: async (ids, reason) => {
        if (ids.length > 0) done.push(`drain ${ids.join()} ${reason}`);
        now.containers = now.containers.map((one) => ({
          ...one,
          draining: one.draining || ids.includes(one.workerId),
        }));
      },
      reap: async () => [],
      endLate: async () => [],
    },
    revision: async () => {
      if (now.unreadable) throw new Error("compose.yaml is broken");
      return now.revision;
    },
    ...{ intervalMs: 5_000, leaseMs: 6_000, logger, failures, now: () => now.ms },
  });
  const put = (id: string, more: Partial<ManagedWorker> = {}) => {
    now.containers = [
      ...now.containers,
      { workerId: id, host: id, revision: "r1", startedAt: Date.now(), draining: false, ...more },
    ];
  };
  const started = async (...ids: string[]) => {
    for (const id of ids) put(id, { revision: now.revision });
    finish.resolve(ids);
    finish = Promise.withResolvers();
    await watch.settled();
  };
  const refused = async () => {
    finish.reject(new Error("no such image"));
    finish = Promise.withResolvers();
    await watch.settled();
  };
  const at = (ms: number) => {
    now.ms = ms;
    return watch.step(TERM);
  };
  return { now, done, watch, failures, put, started, refused, at };
}

describe("watch-queue: one service", () => {
  it("starts what is missing, once, and looks again when that is done", async () => {
    const { now, done, started, at } = await world();
    now.desired = 3;
    await at(0);
    await at(5_000);
    assert.deepEqual(done, ["start 3"]);
    now.desired = 5;
    await started("a", "b", "c");
    await at(5_250);
    assert.deepEqual(done, ["start 3", "start 2"]);
  });

  it("drains while Compose is still at it", async () => {
    const { now, done, put, at } = await world();
    put("idle");
    put("busy");
    now.ready = new Set(["idle", "busy"]);
    now.busy = new Set(["busy"]);
    now.desired = 4;
    await at(0);
    now.desired = 1;
    await at(250);
    assert.deepEqual(done, ["start 2", "drain idle idle"]);
  });

  it("never drains a busy one, and asks an idle one once", async () => {
    const { now, done, put, at } = await world();
    for (const id of ["a", "b", "c"]) put(id);
    now.ready = new Set(["a", "b", "c"]);
    now.busy = new Set(["a", "c"]);
    await at(0);
    await at(5_000);
    await at(10_000);
    assert.deepEqual(done, ["drain b idle"]);
  });

  it("heeds another number at its next poll, and containers at their interval", async () => {
    const { now, done, put, at } = await world();
    assert.equal(await at(0), 250);
    put("by-hand");
    now.ready = new Set(["by-hand"]);
    await at(4_999);
    assert.deepEqual(done, []);
    await at(5_000);
    assert.deepEqual(done, ["drain by-hand idle"]);
  });

  it("looks at once when it is woken", async () => {
    const { now, done, put, watch, at } = await world();
    await at(0);
    put("by-hand");
    now.ready = new Set(["by-hand"]);
    watch.wake();
    await at(250);
    assert.deepEqual(done, ["drain by-hand idle"]);
  });

  it("leaves everyone alone while it is paused, and obeys a number that is ordered", async () => {
    const { now, done, put, at } = await world();
    put("a");
    put("b");
    now.ready = new Set(["a", "b"]);
    now.order = { mode: "paused", atMs: 0 };
    await at(0);
    await at(5_000);
    assert.deepEqual(done, []);
    now.order = { mode: "manual", workers: 4, atMs: 0 };
    await at(5_250);
    assert.deepEqual(done, ["start 2"]);
  });

  it("replaces another revision: a fresh one first, then the old, busy ones too", async () => {
    const { now, done, put, started, at } = await world();
    put("old");
    now.ready = new Set(["old"]);
    now.busy = new Set(["old"]);
    now.desired = 1;
    await at(0);
    now.revision = "r2";
    await at(5_000);
    assert.deepEqual(done, ["start 1"]);
    await started("new");
    await at(6_000);
    assert.deepEqual(done, ["start 1"]);
    now.ready = new Set(["old", "new"]);
    await at(7_000);
    assert.deepEqual(done, ["start 1", "drain old signal"]);
  });

  it("goes on with the last revision while the project cannot be read, and says so", async () => {
    const { now, done, put, failures, at } = await world();
    put("a");
    now.ready = new Set(["a"]);
    now.desired = 1;
    await at(0);
    now.unreadable = true;
    now.desired = 0;
    await at(250);
    assert.deepEqual(done, ["drain a idle"]);
    assert.deepEqual([...failures.failing], [["definition", "compose.yaml is broken"]]);
  });

  it("slows down when Compose fails: a second, two, and so on", async () => {
    const { now, done, failures, refused, at } = await world();
    now.desired = 1;
    await at(0);
    await refused();
    assert.deepEqual([...failures.failing], [["start", "no such image"]]);
    await at(999);
    assert.deepEqual(done, ["start 1"]);
    await at(1_999);
    await refused();
    await at(3_998);
    assert.deepEqual(done, ["start 1", "start 1"]);
    await at(4_998);
    assert.deepEqual(done, ["start 1", "start 1", "start 1"]);
  });

  it("slows down when containers end before they report", async () => {
    const { now, done, started, at } = await world();
    now.desired = 1;
    await at(0);
    await started("dead");
    now.containers = [];
    await at(1_000);
    await at(1_250);
    assert.deepEqual(done, ["start 1"]);
    await at(2_000);
    assert.deepEqual(done, ["start 1", "start 1"]);
  });

  it("counts its containers by what they do", async () => {
    const { now, put, watch, at } = await world();
    put("new");
    put("idle");
    put("busy");
    put("gone", { draining: true });
    now.ready = new Set(["idle", "busy", "gone"]);
    now.busy = new Set(["busy"]);
    now.desired = 3;
    await at(0);
    assert.deepEqual(watch.counts, { starting: 1, idle: 1, busy: 1, draining: 1, started: 0 });
  });
});

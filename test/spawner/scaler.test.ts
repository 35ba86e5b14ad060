import assert from "node:assert/strict";
import type { ScalingOrder } from "../../worker/contract/scaling-order.ts";
import type { ScalingRecord } from "../../worker/contract/scaling-record.ts";
import { createLogger } from "../../worker/src/logging/logger.ts";
import type { Actuator, ManagedWorker } from "../../worker/src/ports/actuator.ts";
import { Scaler } from "../../worker/src/spawner/scaler.ts";
import { reportOf } from "../support/queue.ts";

const POLICY = {
  min: 1,
  max: 32,
  tasksPerWorker: 2,
  warmPool: 0,
  warmPoolWhenIdle: false,
  idleToZeroSeconds: 300,
};
const TERM = new AbortController().signal;

/** An actuator whose workers are there, and report, as soon as they are started. */
class FakeActuator implements Actuator {
  workers: ManagedWorker[] = [];
  readonly done: string[] = [];
  #count = 0;

  async list() {
    return this.workers;
  }
  async start(count: number) {
    this.done.push(`start ${count}`);
    const made = Array.from({ length: count }, () => `w${++this.#count}`);
    const shared = { revision: "r1", startedAt: Date.now(), draining: false };
    this.workers = [...this.workers, ...made.map((workerId) => ({ workerId, ...shared }))];
    return made;
  }
  async drain(ids: readonly string[]) {
    this.done.push(`drain ${ids.join()}`);
    this.workers = this.workers.filter(({ workerId }) => !ids.includes(workerId));
  }
  async reap() {
    return [];
  }
}

/** A scaler in a world that the test sets: times, tasks, workers. */
async function world(intervalMs = 30_000, withActuator = true) {
  const actuator = new FakeActuator();
  const logger = await createLogger({
    name: "t",
    json: true,
    level: "error",
    destination: { write: () => {} },
  });
  const records: ScalingRecord[] = [];
  const now = {
    ms: 0,
    waiting: 0,
    running: 0,
    lost: false,
    full: false,
    /** Id of a worker that has reported once only, at the beginning. */
    stuck: "",
    record: null as ScalingRecord | null,
    order: { mode: "law" } as ScalingOrder,
    reporting: 0,
  };
  const queue = {
    backlog: async () => {
      if (now.lost) throw new Error("Redis is away");
      return { nowMs: 1_000_000 + now.ms, waiting: now.waiting, running: now.running, dueRetries: 0 };
    },
    length: async () => now.waiting + now.running,
    reporting: async () => now.reporting,
    order: async () => now.order,
    workers: async () =>
      actuator.workers.map(({ workerId }) => ({
        ...reportOf(workerId),
        ...{ seen_at: 1_000_000 + (workerId === now.stuck ? 0 : now.ms), holding: now.running > 0 ? 1 : 0 },
      })),
    readRecord: async () => now.record,
    writeRecord: async (record: ScalingRecord) => {
      if (now.full) throw new Error("Redis refuses to write");
      records.push(record);
    },
  };
  const scaler = new Scaler({
    ...{ queue, policy: POLICY, intervalMs, leaseMs: 45_000, revision: "r1", logger },
    actuator: withActuator ? actuator : null,
    address: () => "http://127.0.0.1:1",
    reap: async () => {},
    now: () => now.ms,
  });
  const at = async (ms: number, term: AbortSignal = TERM) => {
    now.ms = ms;
    return scaler.step(term);
  };
  return { actuator, records, now, scaler, at };
}

describe("spawner: scaler", () => {
  it("decides every 30 s, and not between while workers live", async () => {
    const { actuator, records, now, at } = await world();
    now.waiting = 10;
    assert.equal(await at(0), 250);
    assert.deepEqual(actuator.done, ["start 5"]);
    now.waiting = 40;
    await at(250);
    assert.equal(await at(29_900), 100);
    assert.equal(records.length, 1);
    await at(30_000);
    assert.deepEqual(actuator.done, ["start 5", "start 15"]);
    const { desired, reason, pending, liveWorkers } = records[1] ?? assert.fail("no second decision");
    assert.deepEqual([desired, reason, pending, liveWorkers], [20, "backlog", 40, 5]);
  });

  it("decides at once when tasks wait and nobody lives, but once an interval", async () => {
    const { actuator, now, at } = await world();
    await at(0);
    now.waiting = 3;
    await at(250);
    assert.deepEqual(actuator.done, ["start 1"]);
    actuator.workers = [];
    await at(500);
    await at(30_249);
    assert.deepEqual(actuator.done, ["start 1"]);
    // The first one died before it was seen to work: a second's pause.
    assert.equal(await at(30_250), 250);
    await at(31_249);
    assert.deepEqual(actuator.done, ["start 1"]);
    await at(31_250);
    assert.deepEqual(actuator.done, ["start 1", "start 1"]);
  });

  it("goes on with the idle time that the last leader saw", async () => {
    const { actuator, now, at } = await world(1_000);
    now.waiting = 8;
    await at(0);
    const other = await world(1_000);
    other.actuator.workers = actuator.workers;
    const seen = { decidedAtMs: 1_000_000, pending: 0, busyWorkers: 0, liveWorkers: 4, address: "" };
    other.now.record = { desired: 1, reason: "minimum", idleSinceMs: 1_000_000 - 299_000, ...seen };
    await other.at(0);
    assert.deepEqual(other.actuator.done, ["drain w1,w2,w3"]);
    await other.at(1_000);
    assert.deepEqual(other.actuator.done, ["drain w1,w2,w3", "drain w4"]);
  });

  it("holds while the queue cannot be read", async () => {
    const { actuator, records, now, scaler, at } = await world(1_000);
    now.waiting = 8;
    await at(0);
    now.lost = true;
    await assert.rejects(at(1_000), /Redis is away/);
    assert.deepEqual([scaler.decision?.desired, scaler.decision?.reason], [4, "hold"]);
    assert.deepEqual([actuator.done, records.length], [["start 4"], 1]);
  });

  it("starts workers though the decision cannot be published", async () => {
    const { actuator, now, at } = await world(1_000);
    now.waiting = 8;
    now.full = true;
    await assert.rejects(at(0), /Redis refuses to write/);
    assert.deepEqual(actuator.done, ["start 4"]);
  });

  it("replaces a worker that falls silent, and asks it to end when it stays so", async () => {
    const { actuator, now, at } = await world(1_000);
    now.waiting = 2;
    now.stuck = "w1";
    await at(0);
    await at(90_000);
    assert.deepEqual(actuator.done, ["start 1"]);
    await at(91_000);
    await at(100_000);
    assert.deepEqual(actuator.done, ["start 1", "start 1"]);
    await at(101_000);
    assert.deepEqual(actuator.done, ["start 1", "start 1", "drain w1"]);
  });

  it("drains only those that are idle, down to the busy ones", async () => {
    const { actuator, now, at } = await world(1_000);
    now.waiting = 8;
    await at(0);
    now.waiting = 0;
    now.running = 4;
    await at(1_000);
    await at(400_000);
    assert.deepEqual(actuator.done, ["start 4"]);
  });

  it("starts and stops nobody once its term is over", async () => {
    const { actuator, now, at } = await world();
    now.waiting = 8;
    await at(0, AbortSignal.abort());
    assert.deepEqual(actuator.done, []);
  });

  it("obeys a manual number at once, whatever the law says, and the law again afterwards", async () => {
    const { actuator, records, now, at } = await world();
    now.waiting = 8;
    await at(0);
    now.order = { mode: "manual", workers: 6, atMs: 1 };
    await at(250);
    now.order = { mode: "manual", workers: 6, atMs: 2 };
    await at(500);
    now.order = { mode: "manual", workers: 1, atMs: 3 };
    await at(750);
    now.order = { mode: "law" };
    await at(1_000);
    assert.deepEqual(actuator.done, ["start 4", "start 2", "drain w1,w2,w3,w4,w5", "start 3"]);
    assert.deepEqual(
      records.map(({ desired, reason }) => [desired, reason]),
      [
        [4, "backlog"],
        [6, "manual"],
        [1, "manual"],
        [4, "backlog"],
      ],
    );
  });

  it("starts and stops nobody while it is paused, and counts the idle time meanwhile", async () => {
    const { actuator, records, now, at } = await world(1_000);
    now.waiting = 8;
    await at(0);
    now.order = { mode: "paused", atMs: 1 };
    now.waiting = 100;
    await at(250);
    now.waiting = 0;
    await at(2_000);
    await at(302_000);
    assert.deepEqual(actuator.done, ["start 4"]);
    assert.deepEqual(records.at(-1)?.reason, "paused");
    assert.deepEqual(records.at(-1)?.desired, 4);
    now.order = { mode: "law" };
    await at(302_250);
    assert.deepEqual(actuator.done, ["start 4", "drain w1,w2,w3,w4"]);
  });

  it("decides at once when tasks wait, nobody reports, and somebody else starts the workers", async () => {
    const { records, now, at } = await world(30_000, false);
    await at(0);
    now.waiting = 3;
    now.reporting = 1;
    await at(250);
    assert.deepEqual(
      records.map(({ desired }) => desired),
      [0],
    );
    now.reporting = 0;
    await at(500);
    await at(750);
    assert.deepEqual(
      records.map(({ desired }) => desired),
      [0, 1],
    );
  });

  it("publishes what it wants where somebody else starts the workers", async () => {
    const { actuator, records, now, at } = await world(1_000, false);
    now.waiting = 8;
    await at(0);
    assert.deepEqual([actuator.done, records.map(({ desired }) => desired)], [[], [4]]);
  });
});

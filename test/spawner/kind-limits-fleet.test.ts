import assert from "node:assert/strict";
import { supervisorOf, workerOf } from "../../worker/contract/run-file.ts";
import { signalProcess } from "../../worker/src/adapters/processes/process-identity.ts";
import { depth } from "../../worker/src/adapters/redis/queue-status.ts";
import { TestFleet } from "../support/fleet.ts";
import { waitFor } from "../support/wait.ts";

/** Three workers of two slots each, whatever there is to do. */
const SETTINGS = {
  TASKFLEET_SCALE_MIN: "3",
  TASKFLEET_SCALE_MAX: "3",
  TASKFLEET_SCALE_IDLE_TO_ZERO: "3600",
  WORKER_CONCURRENCY: "2",
  WORKER_BATCH_SIZE: "8",
  // No task may be taken back, or it would run twice, and one more at once.
  TASKFLEET_LEASE: "60",
};

describe("fleet: limits of a kind", function () {
  this.timeout(180_000);
  let fleet: TestFleet;
  afterEach(() => fleet.close());

  const parked = async () => (await depth(fleet.queue.redis, fleet.queue.stream)).parked;
  const push = async (kind: string, count: number, payload: object = {}) => {
    const tasks = Array.from({ length: count }, () => ({ kind, payload }));
    return (await fleet.queue.producer.enqueue(tasks)).map(({ id }) => id);
  };
  const most = async () => Number(await fleet.redis.client.zscore("counted:most", "most"));

  it("runs as many at once as the limit says and never one more, each task once", async () => {
    fleet = await TestFleet.open({ ...SETTINGS, TASKFLEET_KIND_LIMITS: "counted=3" });
    await fleet.spawner();
    // With the first three at their gate the fleet has shown what it does; then the gate is open.
    const file = `${fleet.folder}/gate-all`;
    const ids = await push("counted", 200, { file });
    await waitFor("the rest to be parked", async () => (await parked()) === 197);
    await waitFor("three at their gate", async () => (await fleet.redis.client.get("counted:now")) === "3");
    assert.equal(await fleet.queue.redis.xlen(fleet.queue.stream), 3, "scalers see what may run");
    fleet.open("all");
    const results = await fleet.results(ids);
    assert.equal(await most(), 3);
    assert.deepEqual(await fleet.redis.client.hvals("counted:runs"), Array(200).fill("1"));
    assert.deepEqual(
      new Set(results.map(({ status, attempts }) => `${status} ${attempts}`)),
      new Set(["success 1"]),
    );
    assert.ok(new Set(results.map(({ worker_id }) => worker_id)).size > 1, "several workers had a part");
    assert.deepEqual([await fleet.stat("reclaimed"), await fleet.stat("late")], [0, 0]);
  });

  it("lets another kind through while 5,000 tasks are parked", async () => {
    fleet = await TestFleet.open({ ...SETTINGS, TASKFLEET_KIND_LIMITS: "counted=1" });
    await fleet.spawner();
    await push("counted", 5_001, { file: `${fleet.folder}/gate-never` });
    await waitFor("them to be parked", async () => (await parked()) === 5_000);
    const coins = await push("coin", 300, { failures: 0 });
    const gates = await fleet.pushGates("five", 5);
    const results = await fleet.results(coins);
    assert.equal(results.filter(({ status }) => status === "success").length, 300);
    await waitFor(
      "five of six slots at the gate",
      async () => (await fleet.queue.redis.xlen(fleet.queue.stream)) === 6,
    );
    fleet.open("five");
    await fleet.results(gates);
    assert.equal(await parked(), 5_000);
  });

  it("gives a killed worker's slot to the next, and its task back", async () => {
    fleet = await TestFleet.open({
      ...SETTINGS,
      TASKFLEET_KIND_LIMITS: "counted=1",
      TASKFLEET_LEASE: "4",
    });
    await fleet.spawner();
    const file = `${fleet.folder}/gate-all`;
    const ids = await push("counted", 4, { file });
    await waitFor("three to be parked", async () => (await parked()) === 3);
    await waitFor("a first start", async () => (await fleet.redis.client.hlen("counted:runs")) === 1);
    const [holder] = await fleet.busy(1);
    const run = fleet.runFiles().find((one) => one.worker_id === holder);
    assert.ok(run !== undefined);
    for (const one of [supervisorOf(run), workerOf(run) ?? []].flat()) signalProcess(one, "SIGKILL");
    await waitFor("a second start", async () => (await fleet.redis.client.hlen("counted:runs")) === 2);
    // The killed one could not count itself out.
    await fleet.redis.client.decr("counted:now");
    fleet.open("all");
    const results = await fleet.results(ids);
    assert.deepEqual(
      new Set(results.map(({ status, attempts }) => `${status} ${attempts}`)),
      new Set(["success 1"]),
    );
    const runs = await fleet.redis.client.hvals("counted:runs");
    assert.deepEqual(runs.sort(), ["1", "1", "1", "2"]);
    assert.equal(await fleet.stat("reclaimed"), 1);
  });

  it("starts at most as many as the rate says until the window is over", async () => {
    fleet = await TestFleet.open({ ...SETTINGS, TASKFLEET_KIND_LIMITS: "counted=4/3600s" });
    await fleet.spawner();
    const ids = await push("counted", 10);
    await waitFor("six to be parked", async () => (await parked()) === 6);
    await waitFor("four to have run", async () => (await fleet.stat("task:counted:counted:success")) === 4);
    // The window slides on by an hour, in one step: a sweep in between would take the oldest starts away.
    const starts = `${fleet.queue.keys.starts}counted`;
    const client = fleet.redis.client;
    const step = client.multi();
    for (const [at, start] of (await client.lrange(starts, 0, -1)).entries())
      step.lset(starts, at, String(Number(start) - 3_600_000));
    await step.zincrby(fleet.queue.keys.parkedKinds, -3_600_000, "counted").exec();
    await waitFor("eight to have run", async () => (await fleet.stat("task:counted:counted:success")) === 8);
    assert.equal(await parked(), 2);
    assert.equal(await client.hlen("counted:runs"), 8);
    await fleet.queue.producer.cancel(ids);
    assert.equal(await parked(), 0);
  });
});

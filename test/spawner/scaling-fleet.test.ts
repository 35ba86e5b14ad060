import assert from "node:assert/strict";
import { TestFleet } from "../support/fleet.ts";
import { waitFor } from "../support/wait.ts";

describe("fleet: scaling", function () {
  this.timeout(180_000);
  let fleet: TestFleet;
  afterEach(() => fleet.close());

  it("goes from zero to one worker a task, and back to zero when all is done", async () => {
    fleet = await TestFleet.open();
    await fleet.spawner();
    assert.deepEqual(fleet.runFiles(), []);
    const ids = await fleet.pushGates("all", 3);
    const workers = await fleet.busy(3);
    fleet.open("all");
    const results = await fleet.results(ids);
    assert.deepEqual(new Set(results.map(({ worker_id }) => worker_id)), new Set(workers));
    assert.deepEqual(
      results.map(({ status, output }) => [status, output]),
      Array(3).fill(["success", "through"]),
    );
    await fleet.atZero();
    const ends = [await fleet.stat("exit:signal"), await fleet.stat("exit:error")];
    assert.deepEqual(ends, [3, 0]);
    assert.equal(await fleet.redis.client.hget("{peagen.tasks}:scaling", "desired"), "0");
  });

  it("starts a worker for a task long before the scaling interval is over, when there is none", async () => {
    fleet = await TestFleet.open({ TASKFLEET_SCALE_INTERVAL: "3600" });
    await (await fleet.spawner()).leads();
    await waitFor("the first decision", () => fleet.redis.client.hget("{peagen.tasks}:scaling", "reason"));
    const ids = await fleet.pushGates("one", 1);
    fleet.open("one");
    await fleet.results(ids);
  });

  it("keeps two free workers while there is work, and none after it", async () => {
    fleet = await TestFleet.open({ TASKFLEET_SCALE_WARM_POOL: "2", TASKFLEET_SCALE_TASKS_PER_WORKER: "2" });
    await fleet.spawner();
    await fleet.pushGates("one", 1);
    const states = async () => (await fleet.queue.workers.list()).map(({ state }) => state).sort();
    await waitFor("one busy and two idle workers", async () => (await states()).join() === "busy,idle,idle");
    assert.equal(await fleet.redis.client.hget("{peagen.tasks}:scaling", "reason"), "warm-pool");
    fleet.open("one");
    await fleet.atZero();
    assert.equal(fleet.runFiles().length, 0);
  });

  it("keeps the pool when the policy says so", async () => {
    fleet = await TestFleet.open({
      TASKFLEET_SCALE_WARM_POOL: "2",
      TASKFLEET_SCALE_WARM_POOL_WHEN_IDLE: "1",
      TASKFLEET_SCALE_MIN: "0",
    });
    await fleet.spawner();
    await waitFor("two idle workers", async () => (await fleet.queue.workers.list()).length === 2);
    assert.equal(await fleet.redis.client.hget("{peagen.tasks}:scaling", "reason"), "warm-pool");
  });

  it("replaces workers of another revision without losing or repeating a task", async () => {
    fleet = await TestFleet.open();
    const before = await fleet.spawner({ TASKFLEET_REVISION: "r1" });
    const first = await fleet.pushGates("first", 3);
    const old = await fleet.busy(3);
    assert.equal(await before.end("SIGTERM"), 0);
    await fleet.spawner({ TASKFLEET_REVISION: "r2" });
    const second = await fleet.pushGates("second", 3);
    await waitFor("a fresh worker", () => fleet.runFiles().some(({ revision }) => revision === "r2"));
    fleet.open("first");
    fleet.open("second");
    const results = await fleet.results([...first, ...second]);
    await waitFor("the old ones to be gone", () =>
      fleet.runFiles().every(({ revision }) => revision === "r2"),
    );
    assert.deepEqual(
      results
        .slice(0, 3)
        .map(({ worker_id }) => worker_id)
        .sort(),
      [...old].sort(),
    );
    assert.deepEqual(
      results.map(({ attempts }) => attempts),
      Array(6).fill(1),
    );
    assert.deepEqual([await fleet.stat("task:gate:gate:success"), await fleet.stat("exit:error")], [6, 0]);
    await fleet.atZero();
  });
});

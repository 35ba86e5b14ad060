import assert from "node:assert/strict";
import { once } from "node:events";
import type { RunFile } from "../../worker/contract/run-file.ts";
import { supervisorOf, workerOf } from "../../worker/contract/run-file.ts";
import { signalProcess } from "../../worker/src/adapters/processes/process-identity.ts";
import { TestFleet } from "../support/fleet.ts";
import { waitFor } from "../support/wait.ts";

/** The run file of a worker that runs, so that both processes are known. */
function running(fleet: TestFleet, workerId: string | undefined): RunFile {
  const file = fleet.runFiles().find((one) => one.worker_id === workerId);
  assert.ok(file !== undefined && file.worker_pid !== null);
  return file;
}

function kill(file: RunFile, which: "supervisor" | "worker"): void {
  const target = which === "supervisor" ? supervisorOf(file) : workerOf(file);
  assert.ok(target !== null && signalProcess(target, "SIGKILL"));
}

describe("fleet: deaths", function () {
  this.timeout(180_000);
  let fleet: TestFleet;
  beforeEach(async () => {
    fleet = await TestFleet.open();
  });
  afterEach(() => fleet.close());

  it("goes on with the second spawner when the leader is killed, with the same workers", async () => {
    const first = await fleet.spawner();
    await first.leads();
    const second = await fleet.spawner();
    const ids = await fleet.pushGates("all", 3);
    const workers = await fleet.busy(3);
    await first.end("SIGKILL");
    await second.leads();
    const decided = async () => (await fleet.redis.client.hget("{peagen.tasks}:scaling", "address")) ?? "";
    const address = await second.address();
    await waitFor("the second spawner's decision", async () => (await decided()) === address);
    // A worker that dies now is the second one's to replace.
    kill(running(fleet, workers[0]), "worker");
    fleet.open("all");
    const results = await fleet.results(ids);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["success", "success", "success"],
    );
    for (const { worker_id } of results.filter(({ worker_id }) => workers.includes(worker_id)))
      assert.notEqual(worker_id, workers[0]);
    await fleet.atZero();
    assert.deepEqual([await fleet.stat("task:gate:gate:success"), await fleet.stat("exit:error")], [3, 1]);
  });

  it("adopts the workers of a killed spawner: none is started, none is stopped", async () => {
    const first = await fleet.spawner();
    const ids = await fleet.pushGates("all", 3);
    const workers = await fleet.busy(3);
    await first.end("SIGKILL");
    const second = await fleet.spawner();
    await second.leads();
    fleet.open("all");
    const results = await fleet.results(ids);
    assert.deepEqual(results.map(({ worker_id }) => worker_id).sort(), [...workers].sort());
    await fleet.atZero();
    const scaled = second.records.filter(({ message }) => message === "spawner_scaled");
    assert.equal(
      scaled.reduce((sum, { started }) => sum + Number(started), 0),
      0,
    );
    assert.equal(await fleet.stat("exit:signal"), 3);
    assert.equal(await fleet.stat("max-workers"), 3);
  });

  it("finishes the task of a killed worker elsewhere and counts the exit once", async () => {
    await fleet.spawner();
    const ids = await fleet.pushGates("one", 1);
    const [worker] = await fleet.busy(1);
    kill(running(fleet, worker), "worker");
    await waitFor("the exit to be counted", async () => (await fleet.stat("exit:error")) === 1);
    fleet.open("one");
    const [result] = await fleet.results(ids);
    assert.equal(result?.status, "success");
    assert.notEqual(result.worker_id, worker);
    await fleet.atZero();
    const counts = ["reclaimed", "exit:error", "exit:signal", "task:gate:gate:success"];
    assert.deepEqual(await Promise.all(counts.map((field) => fleet.stat(field))), [1, 1, 1, 1]);
  });

  it("counts a worker that vanished together with its supervisor once, too", async () => {
    await fleet.spawner();
    const ids = await fleet.pushGates("one", 1);
    const [worker] = await fleet.busy(1);
    const file = running(fleet, worker);
    kill(file, "supervisor");
    kill(file, "worker");
    await waitFor("the exit to be counted", async () => (await fleet.stat("exit:error")) === 1);
    fleet.open("one");
    assert.equal((await fleet.results(ids))[0]?.status, "success");
    await fleet.atZero();
    assert.deepEqual([await fleet.stat("exit:error"), await fleet.stat("exit:signal")], [1, 1]);
  });

  it("lets a worker finish whose supervisor alone was killed", async () => {
    await fleet.spawner();
    const ids = await fleet.pushGates("one", 1);
    const [worker] = await fleet.busy(1);
    kill(running(fleet, worker), "supervisor");
    fleet.open("one");
    assert.equal((await fleet.results(ids))[0]?.worker_id, worker);
    await fleet.atZero();
    assert.deepEqual([await fleet.stat("exit:error"), await fleet.stat("reclaimed")], [1, 0]);
  });

  it("leaves the workers alone and gives the lease up when a spawner is stopped", async () => {
    const spawner = await fleet.spawner();
    const ids = await fleet.pushGates("one", 1);
    const workers = await fleet.busy(1);
    assert.equal(await spawner.end("SIGTERM"), 0);
    assert.equal(await fleet.redis.client.get("{peagen.tasks}:leader"), null);
    assert.deepEqual(
      fleet.runFiles().map(({ worker_id }) => worker_id),
      workers,
    );
    fleet.open("one");
    assert.equal((await fleet.results(ids))[0]?.status, "success");
  });

  it("holds the workers while Redis does not answer, and goes on afterwards", async () => {
    const spawner = await fleet.spawner();
    const ids = await fleet.pushGates("all", 2);
    const workers = await fleet.busy(2);
    const failed = () => spawner.records.some(({ message }) => message === "spawner_loop_failed");
    fleet.redis.process.kill("SIGSTOP");
    await waitFor("the spawner to notice", failed);
    assert.deepEqual(
      fleet
        .runFiles()
        .map(({ worker_id }) => worker_id)
        .sort(),
      [...workers].sort(),
    );
    fleet.redis.process.kill("SIGCONT");
    fleet.open("all");
    const results = await fleet.results(ids);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["success", "success"],
    );
    await fleet.atZero();
    assert.equal(await fleet.stat("exit:error"), 0);
    assert.equal(spawner.child.exitCode, null);
    spawner.child.kill("SIGTERM");
    assert.deepEqual(await once(spawner.child, "exit"), [0, null]);
  });

  it("slows down when workers die at their start", async () => {
    const spawner = await fleet.spawner({ WORKER_CONCURRENCY: "many" });
    await fleet.pushGates("one", 3);
    await waitFor("the pause", () =>
      spawner.records.some(({ message }) => message === "spawner_starts_paused"),
    );
    await waitFor("three deaths", async () => (await fleet.stat("exit:error")) >= 3);
  });
});

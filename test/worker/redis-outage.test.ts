import assert from "node:assert/strict";
import { once } from "node:events";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./support/fleet.ts";

async function kill(server: TestRedis): Promise<void> {
  server.process.kill("SIGKILL");
  await once(server.process, "exit");
}

describe("a worker while Redis is away", () => {
  let server: TestRedis;
  let again: TestRedis | undefined;
  let fleet: TestFleet;
  beforeEach(async () => {
    server = await startRedis();
    fleet = new TestFleet(server);
  });
  afterEach(async () => {
    await fleet.close();
    await again?.stop();
    await server.stop();
    again = undefined;
  });

  it("keeps what it has done, and goes on by itself", async () => {
    const worker = await fleet.worker({ TASKFLEET_LEASE: "60" }).ready();
    const during = await fleet.push("stubborn", { ms: 1_000 });
    await worker.logged("run_dispatched");
    await kill(server);
    const { exception, source } = await worker.logged("worker_pool_poll_error");
    assert.equal(source, "poll");
    assert.match(String(exception), new RegExp(`cannot reach Redis at 127\\.0\\.0\\.1:${server.port}: `));
    again = await startRedis(["--dir", server.directory], server.port);
    const result = await fleet.result(during);
    assert.deepEqual([result.status, result.attempts, result.worker_id], ["success", 1, worker.id]);
    const afterwards = await fleet.result(await fleet.push("sleep", { ms: 0 }));
    assert.equal(afterwards.worker_id, worker.id);
    assert.equal(await fleet.stat("late"), undefined);
    assert.equal(worker.of("worker_pool_poll_error").length, 1, "the log is not flooded");
  });

  it("is not ready, says why, and counts it", async () => {
    const worker = await fleet.worker().ready();
    const address = await waitFor("its address", async () => (await fleet.queue.workers.list())[0]?.address);
    const ready = async () => (await fetch(`${address}/health/ready`)).json() as Promise<object>;
    assert.deepEqual(await ready(), { status: "ready" });
    await kill(server);
    await worker.logged("worker_pool_poll_error");
    const answer = await waitFor("it not to be ready", async () => {
      const body = (await ready()) as { status: string; errors?: string[] };
      return body.status === "not ready" ? body : undefined;
    });
    assert.match(answer.errors?.[0] ?? "", /^redis: /);
    const metrics = await (await fetch(`${address}/metrics`)).text();
    assert.match(metrics, /^worker_errors_total\{source="poll"\} [1-9]/m);
    assert.match(metrics, /^worker_errors_total\{source="settle"\} 0/m);
    assert.equal((await fetch(`${address}/health/live`)).status, 200);
  });

  it("starts without Redis and works when it comes", async () => {
    await kill(server);
    const worker = await fleet.worker().ready();
    await worker.logged("worker_pool_poll_error");
    again = await startRedis([], server.port);
    const result = await fleet.result(await fleet.push("sleep", { ms: 0 }));
    assert.equal(result.status, "success");
  });

  it("has its exit recorded when Redis is back", async () => {
    const supervisor = fleet.worker({}, "supervise");
    await supervisor.ready();
    await kill(server);
    supervisor.signal("SIGTERM");
    await supervisor.logged("worker_pool_stopped");
    again = await startRedis([], server.port);
    assert.equal(await supervisor.ended(), 0);
    assert.equal(await fleet.stat("exit:signal"), "1");
  });
});

import assert from "node:assert/strict";
import type { RunChange } from "../../worker/contract/run-events.ts";
import { Recorded } from "../support/recorded.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./support/fleet.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

describe("a worker while its queue is recorded", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  let worker: WorkerProcess;
  let recorded: Recorded;
  const changes: RunChange[] = [];

  before(async () => {
    server = await startRedis();
    fleet = new TestFleet(server);
    recorded = await Recorded.on(fleet.queue);
    worker = await fleet.worker().ready();
  });
  after(async () => {
    await fleet.close();
    await server.stop();
  });

  /** Waits for the change of this type. */
  const change = (type: RunChange["type"], id: string) =>
    waitFor(`${type} of ${id}`, async () => {
      for (const event of await recorded.told()) changes.push(...event.changes);
      return changes.find((one) => one.type === type && one.id === id);
    });

  it("tells that a task runs long before its lease is renewed, and how it ends", async () => {
    const id = await fleet.push("execute", { command: ["sleep", "60"] }, { agentId: "agent" });
    const began = await change("began", id);
    assert(began.type === "began");
    assert.deepEqual(
      [began.kind, began.agentId, began.attempts, began.deliveries, began.workerId],
      ["execute", "agent", 0, 0, worker.id],
    );
    assert.deepEqual(await fleet.queue.producer.cancel([id]), ["requested"]);
    const settled = await change("settled", id);
    assert(settled.type === "settled");
    const result = await fleet.result(id);
    assert.deepEqual(
      [settled.status, settled.agentId, settled.finishedAt, settled.reason, settled.message],
      ["cancelled", "agent", result.finished_at, "cancelled", "cancelled while it ran"],
    );
    assert.deepEqual(settled.told, {
      ...{ attempts: 1, startedAt: result.started_at, workerId: worker.id },
      ...{ handlerVersion: result.handler_version, imageTag: "bundle:sha256:test" },
    });
  });

  it("tells each failure, and the burial", async () => {
    const id = await fleet.push("fails");
    const buried = await change("buried", id);
    assert(buried.type === "buried");
    assert.deepEqual([buried.attempts, buried.message], [3, "Moved to DLQ: run 3"]);
    const retries = changes.filter((one) => one.id === id && one.type === "retried");
    assert.deepEqual(
      retries.map((one) => one.type === "retried" && [one.attempts, one.reason, one.message]),
      [
        [1, "handler", "run 1"],
        [2, "handler", "run 2"],
      ],
    );
  });
});

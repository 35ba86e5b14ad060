import assert from "node:assert/strict";
import { depth } from "../../worker/src/adapters/redis/queue-status.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./support/fleet.ts";

const LONG = { ms: 600_000 };

describe("a worker with limits of kinds", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());
  beforeEach(() => {
    fleet = new TestFleet(server);
  });
  afterEach(() => fleet.close());

  const parked = (count: number) =>
    waitFor(`${count} parked`, async () => {
      const { parkedBy, running } = await depth(fleet.queue.redis, fleet.queue.stream);
      return parkedBy.alone === count ? { running } : undefined;
    });

  it("heeds what a handler declares", async () => {
    fleet.worker();
    for (let n = 0; n < 4; n++) await fleet.push("alone", LONG);
    assert.deepEqual(await parked(3), { running: 1 });
    await fleet.result(await fleet.push("sleep", { ms: 0 }));
  });

  it("heeds what the fleet sets before that, and warns of kinds that nothing here runs", async () => {
    const worker = fleet.worker({ TASKFLEET_KIND_LIMITS: "alone=3,lost=1,sleep=9/60s" });
    for (let n = 0; n < 4; n++) await fleet.push("alone", LONG);
    assert.deepEqual(await parked(1), { running: 3 });
    const warning = await worker.logged("limits_of_unknown_kinds");
    assert.deepEqual([warning.level, warning.kinds], ["warning", ["lost"]]);
    assert.ok((warning.known as string[]).includes("alone"));
  });

  it("gives its slot on when it ends, to a worker that has none", async () => {
    const first = await fleet.worker().ready();
    const held = await fleet.push("alone", LONG);
    await first.logged("run_dispatched", ({ task_id }) => task_id === held);
    const next = await fleet.push("alone", { ms: 0 });
    await parked(1);
    const second = await fleet.worker().ready();
    first.signal("SIGTERM");
    await first.logged("worker_pool_shutting_down");
    first.signal("SIGTERM");
    const result = await fleet.result(next);
    assert.deepEqual([result.status, result.worker_id, result.attempts], ["success", second.id, 1]);
    await second.logged("run_dispatched", ({ task_id }) => task_id === held);
    assert.equal(await fleet.stat("reclaimed"), undefined);
  });

  it("lets a parked task be cancelled, and a running one's end call the next", async () => {
    const worker = fleet.worker();
    const held = await fleet.push("alone", LONG);
    await worker.logged("run_dispatched", ({ task_id }) => task_id === held);
    const [cancelled, last] = [await fleet.push("alone", LONG), await fleet.push("alone", { ms: 0 })];
    await parked(2);
    assert.deepEqual(await fleet.queue.producer.cancel([cancelled]), ["cancelled"]);
    assert.equal((await fleet.result(cancelled)).error?.message, "cancelled before it ran");
    assert.deepEqual(await fleet.queue.producer.cancel([held]), ["requested"]);
    assert.equal((await fleet.result(last)).status, "success");
    assert.equal((await fleet.result(held)).status, "cancelled");
  });
});

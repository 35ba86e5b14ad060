import assert from "node:assert/strict";
import { TestFleet } from "../support/fleet.ts";
import { parsePrometheusText } from "../support/prometheus-text.ts";
import { waitFor } from "../support/wait.ts";

describe("fleet: the queue's upkeep", function () {
  this.timeout(180_000);
  let fleet: TestFleet;
  afterEach(() => fleet.close());

  it("starts a delayed task never before its time", async () => {
    fleet = await TestFleet.open({ WORKER_CONCURRENCY: "8", WORKER_BATCH_SIZE: "8" });
    await fleet.spawner();
    fleet.open("now");
    // A worker is up before the first is due, so that nothing but the due time holds them back.
    await fleet.pushGates("later", 1);
    await fleet.busy(1);
    const delays = [0, 1, 137, 250, 251, 600, 601, 900];
    const pushed = await Promise.all(delays.map((delayMs) => fleet.pushGates("now", 1, delayMs)));
    const results = await fleet.results(pushed.flat());
    for (const [i, { enqueued_at, started_at }] of results.entries())
      assert.ok((started_at ?? 0) >= enqueued_at + (delays[i] ?? 0), `delay ${delays[i]}`);
    assert.deepEqual(await fleet.redis.client.zcard("{peagen.tasks}:due"), 0);
  });

  it("publishes the kinds that the fleet runs, also from a spawner that stands by", async () => {
    // The first may not lose its lease to the second, however long that one's start keeps the machine busy.
    fleet = await TestFleet.open({ TASKFLEET_LEADER_LEASE: "60" });
    const first = await fleet.spawner();
    await first.leads();
    const kinds = async () => (await fleet.redis.client.hkeys("{peagen.tasks}:kinds")).sort();
    await waitFor("the kinds", async () => (await kinds()).length > 0);
    assert.deepEqual(await kinds(), ["coin", "counted", "execute", "gate", "http", "steps"]);
    await fleet.redis.client.del("{peagen.tasks}:kinds");
    const second = await fleet.spawner();
    await waitFor("the kinds again", async () => (await kinds()).length > 0);
    assert.equal(
      second.records.some(({ message }) => message === "spawner_leading"),
      false,
    );
  });

  it("has exact metrics after a known load", async () => {
    fleet = await TestFleet.open();
    const spawner = await fleet.spawner();
    const standby = await fleet.spawner();
    await spawner.leads();
    const coins = [0, 0, 0, 0, 1, 2, 3].map((failures) => ({ kind: "coin", payload: { failures } }));
    const pushed = await fleet.queue.producer.enqueue(coins);
    await fleet.results(pushed.slice(0, 6).map(({ id }) => id));
    await waitFor("the dead letter", async () => (await fleet.redis.client.hlen("{peagen.tasks}:dlq")) === 1);
    await fleet.pushGates("held", 1);
    await fleet.busy(1);
    const scrape = async (address: string) =>
      parsePrometheusText(await (await fetch(`${address}/metrics`)).text());
    const address = await spawner.address();
    const held = 'queue_running{stream="peagen.tasks",kind="gate"}';
    const busy = 'workers_live{state="busy"}';
    // Of all workers: one that ran a coin says so until it reports again.
    const families = await waitFor("the workers' reports", async () => {
      const found = await scrape(address);
      const reported = (name: string, series: string) => found.get(name)?.samples.get(series) === 1;
      return reported("queue_running", held) && reported("workers_live", busy) ? found : null;
    });
    const value = (series: string) => families.get(series.split("{")[0] ?? "")?.samples.get(series);
    const labels = (status: string) => `kind="coin",handler="coin",status="${status}"`;
    const expected = {
      'queue_enqueued_total{kind="coin"}': 7,
      'queue_enqueued_total{kind="gate"}': 1,
      'queue_enqueued_total{kind="execute"}': 0,
      [`worker_task_total{${labels("success")}}`]: 6,
      // One of the first, two of the second, two of the dead letter.
      [`worker_task_total{${labels("retry")}}`]: 5,
      [`worker_task_total{${labels("dead")}}`]: 1,
      'handler_fail_total{handler="coin",reason="handler"}': 6,
      'queue_pending_total{stream="peagen.tasks",kind="coin"}': 0,
      'queue_pending_total{stream="peagen.tasks",kind="gate"}': 0,
      'redis_queue_pending{stream="peagen.tasks"}': 1,
      'queue_dead_letters{stream="peagen.tasks"}': 1,
      'queue_delayed{stream="peagen.tasks"}': 0,
      'worker_exit_reason_total{reason="error"}': 0,
      'queue_running{stream="peagen.tasks",kind="coin"}': 0,
      spawner_leader: 1,
    };
    const found = Object.fromEntries(Object.keys(expected).map((series) => [series, value(series)]));
    assert.deepEqual(found, expected);
    const runtime = families.get("worker_runtime_seconds")?.samples;
    const sums = ["success", "retry", "dead"].map((status) =>
      runtime?.get(`worker_runtime_seconds_bucket{${labels(status)},le="+Inf"}`),
    );
    assert.deepEqual(sums, [6, 5, 1]);
    const other = await scrape(await standby.address());
    assert.equal(other.get("spawner_leader")?.samples.get("spawner_leader"), 0);
    assert.equal(other.has("worker_task_total"), false);
  });

  it("ends the record of a queue that had one, where no database is named", async () => {
    fleet = await TestFleet.open();
    const record = "{peagen.tasks}:record";
    await fleet.redis.client.hset(record, { bytes: "1000000", used: "7" });
    await fleet.spawner();
    await waitFor("the switch", async () => (await fleet.redis.client.hexists(record, "bytes")) === 0);
    assert.equal(await fleet.redis.client.hget(record, "used"), "7");
  });

  it("is ready when Redis answers", async () => {
    fleet = await TestFleet.open();
    const address = await (await fleet.spawner()).address();
    await waitFor("readiness", async () => (await fetch(`${address}/health/ready`)).status === 200);
    assert.deepEqual(await (await fetch(`${address}/health/ready`)).json(), { status: "ready" });
  });
});

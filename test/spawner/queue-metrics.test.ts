import assert from "node:assert/strict";
import { METRICS } from "../../worker/contract/metrics.ts";
import { createLogger } from "../../worker/src/logging/logger.ts";
import { FailureLog } from "../../worker/src/spawner/failure-log.ts";
import { SpawnerMetrics } from "../../worker/src/spawner/metrics.ts";
import type { QueueSnapshot } from "../../worker/src/spawner/queue-metrics.ts";
import { parsePrometheusText } from "../support/prometheus-text.ts";

const NOW = 5_000_000;

function worker(worker_id: string, given: Partial<QueueSnapshot["workers"][number]>) {
  const report = { pid: 1, host: "h", image_tag: "t", revision: "r", started_at: 0, address: "" };
  const idle = { state: "idle" as const, slots: 4, running: {}, seen_at: NOW, holding: 0 };
  return { worker_id, ...report, ...idle, ...given };
}

const SNAPSHOT: QueueSnapshot = {
  stream: "s",
  nowMs: NOW,
  leaseMs: 6_000,
  waiting: 7,
  running: 3,
  delayed: 2,
  parkedBy: { hash: 4 },
  deadLetters: 1,
  paused: false,
  oldestIdleMs: 1_500,
  stats: {
    "enqueued:hash": 20,
    "live:hash": 9,
    "parked:hash": 6,
    "live:other": 1,
    "task:hash:hash:success": 5,
    "task:hash:hash:retry": 2,
    "runtime:hash:hash:success:0": 3,
    "runtime:hash:hash:success:7": 1,
    "runtime:hash:hash:success:18": 1,
    "runtime-ms:hash:hash:success": 4_001_250.5,
    "fail:hash:timeout": 2,
    "unsaved:fs": 3,
    "exit:error": 4,
    late: 2,
    reclaimed: 6,
    released: 5,
    "circuit-opened": 3,
    "from-a-later-version:x": 1,
  },
  kinds: ["hash", "idle-kind"],
  workers: [
    worker("a", { state: "busy", running: { hash: 2 } }),
    worker("b", { state: "busy", running: { hash: 1, other: 4 } }),
    worker("c", {}),
    worker("d", { state: "draining" }),
    worker("gone", { state: "busy", running: { hash: 5 }, seen_at: NOW - 6_001 }),
  ],
  keyMemory: new Map([['{s}:odd"key\\', 96]]),
  circuits: ["https://a.example"],
  decision: { desired: 5, reason: "warm-pool", state: { idleSinceMs: null, desired: 5 } },
};

async function render(leads: boolean, snapshot: () => Promise<QueueSnapshot>) {
  const destination = { write: () => {} };
  const logger = await createLogger({ name: "t", json: true, level: "error", destination });
  const failures = new FailureLog(logger, () => 0);
  failures.failed("sweep", new Error("x"));
  const { recordPending, recordLag, recordLost, recordRows } = METRICS;
  const record = async () =>
    [recordPending, recordLag, recordLost, recordRows].map((definition) => ({
      definition,
      samples: [{ labels: { stream: "s" }, value: 1 }],
    }));
  const metrics = new SpawnerMetrics({ leads: () => leads, snapshot, record, failures });
  return parsePrometheusText(await metrics.render());
}

describe("spawner: /metrics of the leader", () => {
  let families: Awaited<ReturnType<typeof render>>;
  const samples = (name: string) => Object.fromEntries(families.get(name)?.samples ?? []);

  before(async () => {
    families = await render(true, async () => SNAPSHOT);
  });

  it("has every metric of the table that a spawner exposes, with its type and help", () => {
    const mine = Object.values(METRICS).filter(({ exposedBy }) => ["leader", "spawner"].includes(exposedBy));
    for (const { name, type, help } of mine) {
      const family = families.get(name);
      assert.deepEqual([name, family?.type, family?.help], [name, type, help]);
    }
  });

  it("has only the labels of the table", () => {
    for (const { name, labels, type } of Object.values(METRICS)) {
      const allowed: readonly string[] = type === "histogram" ? [...labels, "le"] : labels;
      for (const series of families.get(name)?.samples.keys() ?? [])
        for (const [, label] of series.matchAll(/[{,](\w+)="/g))
          assert.ok(allowed.includes(label ?? ""), series);
    }
  });

  it("tells running from pending by what live workers report, never below 0", () => {
    assert.deepEqual(samples("queue_running"), {
      'queue_running{stream="s",kind="hash"}': 3,
      'queue_running{stream="s",kind="idle-kind"}': 0,
      'queue_running{stream="s",kind="other"}': 4,
    });
    assert.deepEqual(samples("queue_pending_total"), {
      'queue_pending_total{stream="s",kind="hash"}': 6,
      'queue_pending_total{stream="s",kind="idle-kind"}': 0,
      'queue_pending_total{stream="s",kind="other"}': 0,
    });
  });

  it("tells what limits keep from starting, and how often they did", () => {
    assert.deepEqual(samples("queue_parked"), {
      'queue_parked{stream="s",kind="hash"}': 4,
      'queue_parked{stream="s",kind="idle-kind"}': 0,
    });
    assert.deepEqual(samples("queue_parkings_total"), {
      'queue_parkings_total{kind="hash"}': 6,
      'queue_parkings_total{kind="idle-kind"}': 0,
    });
  });

  it("has the stream's figures", () => {
    const figures = {
      redis_queue_pending: 10,
      queue_pending_idle_max_seconds: 1.5,
      queue_delayed: 2,
      queue_dead_letters: 1,
      queue_paused: 0,
      queue_late_results_total: 2,
      queue_reclaimed_total: 6,
      queue_released_total: 5,
      queue_poisoned_total: 0,
      circuit_opened_total: 3,
      scaling_desired_workers: 5,
    };
    for (const [name, value] of Object.entries(figures))
      assert.deepEqual(samples(name), { [`${name}{stream="s"}`]: value });
  });

  it("names the circuits that are not closed", () => {
    assert.deepEqual(samples("circuit_open"), { 'circuit_open{stream="s",circuit="https://a.example"}': 1 });
  });

  it("counts known kinds and all exit reasons from 0", () => {
    assert.deepEqual(samples("queue_enqueued_total"), {
      'queue_enqueued_total{kind="hash"}': 20,
      'queue_enqueued_total{kind="idle-kind"}': 0,
    });
    assert.deepEqual(samples("worker_exit_reason_total"), {
      'worker_exit_reason_total{reason="success"}': 0,
      'worker_exit_reason_total{reason="idle"}': 0,
      'worker_exit_reason_total{reason="error"}': 4,
      'worker_exit_reason_total{reason="timeout"}': 0,
      'worker_exit_reason_total{reason="signal"}': 0,
    });
  });

  it("has attempts and failures by their labels", () => {
    assert.deepEqual(samples("worker_task_total"), {
      'worker_task_total{kind="hash",handler="hash",status="success"}': 5,
      'worker_task_total{kind="hash",handler="hash",status="retry"}': 2,
    });
    assert.deepEqual(samples("handler_fail_total"), {
      'handler_fail_total{handler="hash",reason="timeout"}': 2,
    });
  });

  it("counts results that could not be kept, by back end, from 0", () => {
    assert.deepEqual(samples("result_backend_fail_total"), {
      'result_backend_fail_total{backend="redis"}': 0,
      'result_backend_fail_total{backend="fs"}': 3,
    });
  });

  it("makes the stored buckets cumulative, the last one without bound", () => {
    const runtime = samples("worker_runtime_seconds");
    const labels = 'kind="hash",handler="hash",status="success"';
    const at = (le: string) => runtime[`worker_runtime_seconds_bucket{${labels},le="${le}"}`];
    assert.deepEqual(["0.005", "0.5", "1", "3600", "+Inf"].map(at), [3, 3, 4, 4, 5]);
    assert.equal(runtime[`worker_runtime_seconds_count{${labels}}`], 5);
    assert.equal(runtime[`worker_runtime_seconds_sum{${labels}}`], 4001.2505);
    assert.equal(Object.keys(runtime).length, 18 + 1 + 2);
  });

  it("counts workers that report, and the slots of those that take tasks", () => {
    assert.deepEqual(samples("workers_live"), {
      'workers_live{state="busy"}': 2,
      'workers_live{state="idle"}': 1,
      'workers_live{state="draining"}': 1,
    });
    assert.deepEqual(samples("worker_slots"), { worker_slots: 12 });
  });

  it("marks the reason of the last decision alone", () => {
    const marked = Object.entries(samples("scaling_decision")).filter(([, value]) => value !== 0);
    assert.deepEqual(marked, [['scaling_decision{stream="s",reason="warm-pool"}', 1]]);
  });

  it("escapes label values", () => {
    assert.deepEqual(samples("redis_key_memory_bytes"), {
      'redis_key_memory_bytes{key="{s}:odd\\"key\\\\"}': 96,
    });
  });

  it("has its own figures too", () => {
    assert.deepEqual(samples("spawner_leader"), { spawner_leader: 1 });
    assert.deepEqual(samples("spawner_failures_total"), { 'spawner_failures_total{loop="sweep"}': 1 });
    assert.equal(families.get("process_start_time_seconds")?.type, "gauge");
  });
});

describe("spawner: /metrics of others", () => {
  it("leaves the queue's metrics to the leader, so that sums count nothing twice", async () => {
    const families = await render(false, async () => SNAPSHOT);
    assert.equal(families.get("spawner_leader")?.samples.get("spawner_leader"), 0);
    assert.equal(families.has("redis_queue_pending"), false);
    assert.equal(families.has("process_start_time_seconds"), true);
  });

  it("answers without Redis, and counts that", async () => {
    const families = await render(true, async () => {
      throw new Error("no Redis");
    });
    assert.equal(families.has("redis_queue_pending"), false);
    assert.deepEqual(Object.fromEntries(families.get("spawner_failures_total")?.samples ?? []), {
      'spawner_failures_total{loop="sweep"}': 1,
      'spawner_failures_total{loop="metrics"}': 1,
    });
  });
});

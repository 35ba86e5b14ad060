import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DoctorReport } from "../../worker/src/doctor/report.ts";
import type { LoadReport } from "../../worker/src/loadtest/report.ts";
import { TestFleet } from "../cli/fleet.ts";
import { cli, finished, jsonLine } from "../cli/support.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

describe("doctor and loadtest, on a real fleet", function () {
  this.timeout(120_000);
  let fleet: TestFleet;
  let cwd: string;

  before(async () => {
    cwd = mkdtempSync(join(tmpdir(), "taskfleet-operators-"));
    fleet = await TestFleet.start();
    await fleet.startSpawner();
    await fleet.startWorker("worker-a", { TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT: "77" });
  });
  after(async () => {
    await fleet.stop();
    rmSync(cwd, { recursive: true });
  });

  const check = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const run = await fleet.cli(["doctor", "--json", ...words], { cwd, env });
    return { ...run, report: jsonLine(run.out) as unknown as DoctorReport };
  };

  it("loadtest writes a dated report, and says when it was within its limits", async () => {
    const load = ["--rate", "40", "--duration", "1s", "--kind", "sleep", "--payload", '{"ms":1}'];
    const { code, out, err } = await fleet.cli(["loadtest", ...load, "--max-p99", "60"], { cwd });
    assert.deepEqual([code, err], [0, ""]);
    assert.match(
      out,
      /^load +40 tasks of sleep a second for 1\.0 s, to peagen\.tasks at 127\.0\.0\.1:\d+\ntasks +40: 40 success\n/,
    );
    assert.match(out, /\nresult +passed\nreport +\.var\/reports\/loadtest-\d{8}T\d{6}Z\.json\n$/);
    const [name = ""] = readdirSync(join(cwd, ".var/reports"));
    const report = JSON.parse(readFileSync(join(cwd, ".var/reports", name), "utf8")) as LoadReport;
    assert.deepEqual(
      [report.due, report.ends.success, report.max_p99_ms, report.passed],
      [40, 40, 60_000, true],
    );
  });

  it("doctor finds out how the fleet stands", async () => {
    const { code, report } = await check([]);
    const of = (id: string) => report.checks.find((one) => one.id === id);
    const statuses = Object.fromEntries(report.checks.map(({ id, status }) => [id, status]));
    assert.deepEqual(statuses, {
      ...{ migrations: "skipped", "database-ssl": "skipped", redis: "failed", pooling: "skipped" },
      ...{ "graceful-timeout": "ok", health: "ok", logging: "ok", metrics: "ok", alerts: "skipped" },
      ...{ secrets: "ok", backups: "failed", cleanup: "skipped", "rate-limiting": "skipped" },
      ...{ "network-policies": "skipped", "load-testing": "ok", workers: "ok", "worker-errors": "ok" },
      ...{ backlog: "ok", connectivity: "ok", eviction: "ok", "append-only": "ok", password: "failed" },
      ...{ "retention-memory": "warn", "grace-period": "ok", "sweep-interval": "ok" },
    });
    assert.match(
      of("graceful-timeout")?.detail ?? "",
      /^running tasks may finish for 77 s \(as spawner \d+ has it\)$/,
    );
    assert.equal(of("health")?.detail, "ready: leader, worker worker-a");
    assert.equal(of("alerts")?.detail, "TASKFLEET_PROMETHEUS_URL names no Prometheus");
    assert.deepEqual(
      [code, report.passed, report.counts],
      [1, false, { ok: 14, warn: 1, failed: 3, skipped: 7 }],
    );
  });

  it("runs the checks that are named, and lets warnings fail when told to", async () => {
    const some = ["--only", "retention-memory,eviction"];
    const lenient = await check(some);
    assert.deepEqual(
      [lenient.code, lenient.report.checks.map(({ id }) => id)],
      [0, ["eviction", "retention-memory"]],
    );
    assert.equal((await check([...some, "--strict"])).code, 1);
    const wrong = await fleet.cli(["doctor", "--only", "evictions"]);
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.err,
      /^taskfleet: --only: "evictions" is no check\n {2}Checks: migrations, database-ssl, /,
    );
  });

  it("prints for people what was found and the way out", async () => {
    const { code, out } = await fleet.cli(["doctor", "--only", "password,workers"], { cwd });
    assert.equal(code, 1);
    assert.match(
      out,
      /^Before a deployment\n {2}result +id +check +what was found\n {2}ok +workers +Workers are running +1 live worker\n/,
    );
    assert.match(
      out,
      /\n {2}failed +password +Redis asks for a password +127\.0\.0\.1:\d+ answers without one/,
    );
    assert.match(out, /→ requirepass in redis\.conf/);
    assert.match(out, /\n1 ok, 0 warnings, 1 failed, 0 skipped\n$/);
  });

  it("sees a secret's file that others may read", async () => {
    const file = join(cwd, "key");
    writeFileSync(file, "something");
    chmodSync(file, 0o644);
    const { report } = await check(["--only", "secrets"], { TASKFLEET_API_KEY_FILE: file });
    assert.equal(report.checks[0]?.detail, `TASKFLEET_API_KEY_FILE: ${file} has mode 0644`);
    chmodSync(file, 0o600);
    assert.equal((await check(["--only", "secrets"], { TASKFLEET_API_KEY_FILE: file })).code, 0);
  });

  it("loadtest fails over its limits, and doctor holds that against the fleet", async () => {
    const load = ["--rate", "5", "--duration", "1s", "--kind", "flaky", "--payload", '{"failures":9}'];
    const { code, out } = await fleet.cli(["loadtest", ...load, "--max-errors", "4", "--json"], { cwd });
    const report = jsonLine(out) as unknown as LoadReport;
    assert.deepEqual([code, report.due, report.ends.dead, report.faults.length], [1, 5, 5, 1]);
    assert.match(report.faults[0] ?? "", /^5 of 5 tasks did not succeed, 4 are allowed$/);
    assert.match(
      (await check(["--only", "load-testing"])).report.checks[0]?.detail ?? "",
      /says that the last load test failed$/,
    );
  });

  it("loadtest refuses what the fleet does not run, and leaves no report after Ctrl-C", async () => {
    const reports = join(cwd, "none");
    const refused = await fleet.cli(["loadtest", "--kind", "nap", "--reports", reports]);
    assert.equal(refused.code, 2);
    assert.match(
      refused.err,
      /^taskfleet: the task is refused; nothing was pushed\n {2}kind: "nap" is no kind/,
    );
    const before = Number(
      (await fleet.redis.client.hget("{peagen.tasks}:stats", "enqueued:word-count")) ?? 0,
    );
    const load = ["--rate", "20", "--duration", "60s", "--kind", "word-count", "--payload", '{"text":"x"}'];
    const child = fleet.startCli(["loadtest", ...load, "--reports", reports]);
    const end = finished(child);
    await waitFor(
      "tasks",
      async () =>
        Number((await fleet.redis.client.hget("{peagen.tasks}:stats", "enqueued:word-count")) ?? 0) > before,
    );
    child.kill("SIGINT");
    assert.equal((await end).code, 130);
    assert.throws(() => readdirSync(reports), /ENOENT/);
  });
});

describe("doctor, on a broken Redis", function () {
  this.timeout(60_000);
  let redis: TestRedis;
  before(async () => {
    redis = await startRedis(["--maxmemory", "50mb"]);
    await redis.client.config("SET", "maxmemory-policy", "allkeys-lru");
    await redis.client.config("SET", "appendonly", "no");
  });
  after(() => redis.stop());

  const statuses = async (env: Readonly<Record<string, string>>) => {
    const { out } = await cli(["doctor", "--json", "--only", "connectivity,eviction,append-only,password"], {
      env,
    });
    const { checks } = jsonLine(out) as unknown as DoctorReport;
    return Object.fromEntries(checks.map(({ id, status }) => [id, status]));
  };

  it("sees an evicting policy, no append-only file, and no password", async () => {
    assert.deepEqual(await statuses({ REDIS_URL: redis.url }), {
      ...{ connectivity: "ok", eviction: "failed", "append-only": "failed", password: "failed" },
    });
  });

  it("sees that a password is asked for", async () => {
    await redis.client.config("SET", "requirepass", "hush");
    assert.equal((await statuses({ REDIS_URL: redis.url, REDIS_PASSWORD: "hush" })).password, "ok");
  });

  it("reports a Redis that is away, and judges nothing else", async () => {
    assert.deepEqual(await statuses({ REDIS_URL: "redis://127.0.0.1:1" }), {
      ...{ connectivity: "failed", eviction: "skipped", "append-only": "skipped", password: "skipped" },
    });
  });
});

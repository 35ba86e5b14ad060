import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { METRICS } from "../../worker/contract/metrics.ts";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { namesPage } from "../../worker/docs/names-page.ts";
import { CHECKS } from "../../worker/src/doctor/checks.ts";

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** Every environment name and metric that the four sources have. */
const THEIRS =
  `WORKER_POLL_INTERVAL WORKER_CONCURRENCY WORKER_BATCH_SIZE PGPASSWORD PGHOST PGUSER PGDATABASE DATABASE_URL
nova_worker_pool_size nova_runs_queued nova_run_duration_seconds nova_worker_errors_total
REDIS_URL REDIS_PASSWORD AGENTEXEC_NUM_WORKERS AGENTEXEC_GRACEFUL_SHUTDOWN_TIMEOUT AGENTEXEC_QUEUE_NAME
AGENTEXEC_REDIS_POOL_SIZE AGENTEXEC_REDIS_POOL_TIMEOUT AGENTEXEC_RESULT_TTL AGENTEXEC_TABLE_PREFIX OPENAI_API_KEY
OPENAI_API_KEY_NEW OPENAI_KEY_ROTATION_DATE agentexec_tasks_queued_total agentexec_tasks_completed_total
agentexec_task_duration_seconds agentexec_queue_depth agentexec_active_workers TAVILY_API_KEY
APPLICATIONINSIGHTS_CONNECTION_STRING LOG_JSON WORKER_MAX_UPTIME WORKER_IDLE_EXIT queue_pending_total redis_queue_pending
RedisPendingTasks queue_pending_idle_max_seconds worker_exit_reason_total worker_exit_reason worker_runtime_seconds
handler_fail_total result_backend_fail_total redis_key_memory_bytes llm_tokens_total`.split(/\s+/);

describe("pages for operators", () => {
  it("docs/names.md is what the table says; else run node worker/docs/write-configuration.ts", () => {
    assert.equal(read("names.md"), namesPage());
  });

  it("docs/names.md has every name of the sources on the left, and only names that exist on the right", () => {
    const cells = read("names.md")
      .split("\n")
      .map((line) => line.split(" | "));
    const left = cells.map(([theirs = ""]) => theirs.replace(/^\| /, ""));
    for (const name of THEIRS) assert.ok(left.includes(`\`${name}\``), name);
    const known = new Set<string>([
      ...Object.values(SETTINGS).map(({ env }) => env),
      ...Object.values(METRICS).map(({ name }) => name),
    ]);
    for (const [, ours = ""] of cells)
      for (const [, name = ""] of ours.matchAll(/`([^`]+)`/g)) assert.ok(known.has(name), name);
  });

  it("docs/operations.md explains every check", () => {
    for (const { id } of CHECKS) assert.ok(read("operations.md").includes(`\`${id}\``), id);
  });
});

import type { MetricKey } from "../contract/metrics.ts";
import type { SettingName } from "../contract/settings.ts";

/** A name of a source system, and what stands for it here. */
export interface NameRow {
  readonly theirs: string;
  readonly settings?: readonly SettingName[];
  readonly metrics?: readonly MetricKey[];
  readonly note?: string;
}

const DATABASE: readonly NameRow[] = [{ theirs: "DATABASE_URL", settings: ["databaseUrl"] }];
const OPENAI: readonly NameRow[] = [
  { theirs: "OPENAI_API_KEY", note: "a handler's own: it reads the variable under this name" },
];

// biome-ignore format: one name a line reads as a table
export const NAMES: Readonly<Record<string, readonly NameRow[]>> = {
  "Worker pool": [
    { theirs: "WORKER_POLL_INTERVAL", settings: ["pollInterval"] },
    { theirs: "WORKER_CONCURRENCY", settings: ["concurrency"] },
    { theirs: "WORKER_BATCH_SIZE", settings: ["batchSize"] },
    ...DATABASE,
    { theirs: "PGHOST", settings: ["pgHost"] },
    { theirs: "PGUSER", settings: ["pgUser"] },
    { theirs: "PGPASSWORD", settings: ["pgPassword"] },
    { theirs: "PGDATABASE", settings: ["pgDatabase"] },
    { theirs: "nova_worker_pool_size", metrics: ["workers", "slots"], note: "processes, and tasks that they can run at once" },
    { theirs: "nova_runs_queued", metrics: ["pending"] },
    { theirs: "nova_run_duration_seconds", metrics: ["runtime"] },
    { theirs: "nova_worker_errors_total", metrics: ["workerErrors"] },
  ],
  agentexec: [
    ...DATABASE,
    { theirs: "REDIS_URL", settings: ["redisUrl"], note: "Sentinel addresses are not read" },
    { theirs: "REDIS_PASSWORD", settings: ["redisPassword"] },
    { theirs: "AGENTEXEC_NUM_WORKERS", settings: ["scaleMin", "scaleMax", "concurrency"], note: "the fleet scales between the two; each worker runs so many tasks" },
    { theirs: "AGENTEXEC_GRACEFUL_SHUTDOWN_TIMEOUT", settings: ["gracefulShutdownTimeout"] },
    { theirs: "AGENTEXEC_QUEUE_NAME", settings: ["streams"] },
    { theirs: "AGENTEXEC_REDIS_POOL_SIZE", note: "one connection carries all commands of a process" },
    { theirs: "AGENTEXEC_REDIS_POOL_TIMEOUT", note: "there is no pool to wait for" },
    { theirs: "AGENTEXEC_RESULT_TTL", settings: ["resultTtl"] },
    { theirs: "AGENTEXEC_TABLE_PREFIX", settings: ["tablePrefix"] },
    ...OPENAI,
    { theirs: "OPENAI_API_KEY_NEW", note: "a handler's own" },
    { theirs: "OPENAI_KEY_ROTATION_DATE", note: "a handler's own" },
    { theirs: "agentexec_tasks_queued_total", metrics: ["enqueued"] },
    { theirs: "agentexec_tasks_completed_total", metrics: ["tasks"] },
    { theirs: "agentexec_task_duration_seconds", metrics: ["runtime"] },
    { theirs: "agentexec_queue_depth", metrics: ["backlog"] },
    { theirs: "agentexec_active_workers", metrics: ["workers"] },
  ],
  AgenticFleet: [
    ...OPENAI,
    { theirs: "TAVILY_API_KEY", note: "a handler's own" },
    { theirs: "APPLICATIONINSIGHTS_CONNECTION_STRING", settings: ["azureMonitor"] },
    { theirs: "tracing.enabled", settings: ["tracing"], note: "spec: `tracing.enabled`" },
    { theirs: "tracing.otlp_endpoint", settings: ["otlpEndpoint"], note: "spec: `tracing.otlpEndpoint`" },
    { theirs: ".var/logs/execution_history.jsonl", settings: ["history"], note: "the same path on stack `local`" },
    { theirs: "LOG_JSON", settings: ["logJson"] },
  ],
  Peagen: [
    { theirs: "WORKER_MAX_UPTIME", settings: ["maxUptime"] },
    { theirs: "WORKER_IDLE_EXIT", settings: ["idleExit"] },
    { theirs: "queue_pending_total", metrics: ["pending"] },
    { theirs: "redis_queue_pending", metrics: ["backlog"] },
    { theirs: "RedisPendingTasks", metrics: ["backlog"] },
    { theirs: "queue_pending_idle_max_seconds", metrics: ["pendingIdleMax"] },
    { theirs: "worker_exit_reason_total", metrics: ["exits"] },
    { theirs: "worker_exit_reason", metrics: ["exits"] },
    { theirs: "worker_runtime_seconds", metrics: ["runtime"] },
    { theirs: "handler_fail_total", metrics: ["handlerFailures"] },
    { theirs: "result_backend_fail_total", metrics: ["resultFailures"] },
    { theirs: "redis_key_memory_bytes", metrics: ["keyMemory"] },
    { theirs: "llm_tokens_total", note: "taskfleet calls no language model" },
  ],
};

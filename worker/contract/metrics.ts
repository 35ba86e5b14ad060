/**
 * Every metric by name, type, labels and meaning: what dashboards, alerts, policies and scalers import.
 * The spawner that leads exposes what it reads from the queue, so that a sum over spawners counts nothing
 * twice; each worker and each API exposes its own.
 */

/** Upper bounds of the run-time histogram's buckets, in seconds; a last bucket without bound follows them. */
export const RUNTIME_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
] as const;

/** The same of the API's request histogram. */
export const REQUEST_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

export interface MetricDefinition {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  /**
   * `leader`: the spawner that leads; `spawner`: every spawner; `worker`: every worker; `api`: every API; `backup`:
   * whoever makes backups; `watch`: every `watch-queue`.
   */
  readonly exposedBy: "leader" | "spawner" | "worker" | "api" | "backup" | "watch";
  /** `record`: only where runs are recorded. */
  readonly where?: "record";
}

// biome-ignore format: one metric a line reads as a table
export const METRICS = {
  pending: { name: "queue_pending_total", type: "gauge", labels: ["stream", "kind"], exposedBy: "leader", help: "Tasks that wait, retries and delayed tasks included, running ones not." },
  running: { name: "queue_running", type: "gauge", labels: ["stream", "kind"], exposedBy: "leader", help: "Tasks that workers hold." },
  parked: { name: "queue_parked", type: "gauge", labels: ["stream", "kind"], exposedBy: "leader", help: "Tasks that the limits of their kind keep from starting; they are pending, and no part of redis_queue_pending." },
  parkings: { name: "queue_parkings_total", type: "counter", labels: ["kind"], exposedBy: "leader", help: "Times that a worker took a task whose kind's limits did not let it start." },
  backlog: { name: "redis_queue_pending", type: "gauge", labels: ["stream"], exposedBy: "leader", help: "Waiting and running tasks of all priorities: what scalers read." },
  pendingIdleMax: { name: "queue_pending_idle_max_seconds", type: "gauge", labels: ["stream"], exposedBy: "leader", help: "Longest that a task of the stream has waited, or been held without a sign of life." },
  delayed: { name: "queue_delayed", type: "gauge", labels: ["stream"], exposedBy: "leader", help: "Retries and delayed tasks that are not due yet." },
  deadLetters: { name: "queue_dead_letters", type: "gauge", labels: ["stream"], exposedBy: "leader", help: "Tasks in the dead-letter queue." },
  paused: { name: "queue_paused", type: "gauge", labels: ["stream"], exposedBy: "leader", help: "1 while the queue is paused." },
  enqueued: { name: "queue_enqueued_total", type: "counter", labels: ["kind"], exposedBy: "leader", help: "Tasks accepted." },
  lateResults: { name: "queue_late_results_total", type: "counter", labels: ["stream"], exposedBy: "leader", help: "Ends of attempts that were refused because the task was another worker's by then." },
  reclaimed: { name: "queue_reclaimed_total", type: "counter", labels: ["stream"], exposedBy: "leader", help: "Tasks taken back from workers that fell silent." },
  released: { name: "queue_released_total", type: "counter", labels: ["stream"], exposedBy: "leader", help: "Tasks that workers handed back without an end." },
  poisoned: { name: "queue_poisoned_total", type: "counter", labels: ["stream"], exposedBy: "leader", help: "Tasks dead-lettered because too many workers died with them." },
  requeued: { name: "queue_requeued_total", type: "counter", labels: ["stream"], exposedBy: "leader", help: "Dead letters that went back to the queue." },
  tasks: { name: "worker_task_total", type: "counter", labels: ["kind", "handler", "status"], exposedBy: "leader", help: "Attempts by how they ended." },
  runtime: { name: "worker_runtime_seconds", type: "histogram", labels: ["kind", "handler", "status"], exposedBy: "leader", help: "Run time of attempts." },
  handlerFailures: { name: "handler_fail_total", type: "counter", labels: ["handler", "reason"], exposedBy: "leader", help: "Attempts that failed, by reason." },
  resultFailures: { name: "result_backend_fail_total", type: "counter", labels: ["backend"], exposedBy: "leader", help: "Results that this back end could not keep; their tasks ended with an error that says so." },
  circuitOpen: { name: "circuit_open", type: "gauge", labels: ["stream", "circuit"], exposedBy: "leader", help: "1 for each circuit that is not closed; at most the 50 that opened last." },
  circuitOpened: { name: "circuit_opened_total", type: "counter", labels: ["stream"], exposedBy: "leader", help: "How often a circuit opened." },
  exits: { name: "worker_exit_reason_total", type: "counter", labels: ["reason"], exposedBy: "leader", help: "Worker processes by why they ended." },
  workers: { name: "workers_live", type: "gauge", labels: ["state"], exposedBy: "leader", help: "Workers that report, by state." },
  slots: { name: "worker_slots", type: "gauge", labels: [], exposedBy: "leader", help: "Tasks that the live workers can run at once." },
  desiredWorkers: { name: "scaling_desired_workers", type: "gauge", labels: ["stream"], exposedBy: "leader", help: "Workers that the scaling law wants." },
  decision: { name: "scaling_decision", type: "gauge", labels: ["stream", "reason"], exposedBy: "leader", help: "1 for the reason of the last decision, 0 for the others." },
  keyMemory: { name: "redis_key_memory_bytes", type: "gauge", labels: ["key"], exposedBy: "leader", help: "Memory of each of the queue's keys, results excepted." },
  recordPending: { name: "record_pending_bytes", type: "gauge", labels: ["stream"], exposedBy: "leader", where: "record", help: "Bytes of events that wait in Redis for the record." },
  recordLag: { name: "record_lag_seconds", type: "gauge", labels: ["stream"], exposedBy: "leader", where: "record", help: "Age of the oldest event that waits for the record; 0: none waits." },
  recordLost: { name: "record_lost_total", type: "counter", labels: ["stream"], exposedBy: "leader", where: "record", help: "Changes of tasks that were dropped because more waited than TASKFLEET_RECORD_BUFFER." },
  recordRows: { name: "record_rows_total", type: "counter", labels: ["stream"], exposedBy: "leader", where: "record", help: "Changes of tasks that this spawner wrote into the record." },
  sessionsOpen: { name: "api_sessions", type: "gauge", labels: [], exposedBy: "api", help: "Sessions over WebSocket that are connected here." },
  sessionsBegun: { name: "api_sessions_total", type: "counter", labels: ["how"], exposedBy: "api", help: "Sessions that were opened or resumed here." },
  sessionMessages: { name: "api_session_messages_total", type: "counter", labels: ["direction"], exposedBy: "api", help: "Messages of sessions, received and sent." },
  sessionEnds: { name: "api_session_ends_total", type: "counter", labels: ["reason"], exposedBy: "api", help: "Connections of sessions by why they ended; slow: the client did not read." },
  leader: { name: "spawner_leader", type: "gauge", labels: [], exposedBy: "spawner", help: "1 for the spawner that leads, 0 for one that stands by." },
  spawnerFailures: { name: "spawner_failures_total", type: "counter", labels: ["loop"], exposedBy: "spawner", help: "Rounds of this spawner's loops that failed." },
  workerErrors: { name: "worker_errors_total", type: "counter", labels: ["source"], exposedBy: "worker", help: "Failures of the worker itself (poll, settle, result, circuit), not of handlers." },
  apiRequests: { name: "api_requests_total", type: "counter", labels: ["route", "method", "status"], exposedBy: "api", help: "Requests that this API answered, by route template and class of status (2xx); route none: no such path." },
  apiDuration: { name: "api_request_seconds", type: "histogram", labels: ["route", "method"], exposedBy: "api", help: "Time from a request's headers to the end of its answer, waits that the client asked for included." },
  apiLimited: { name: "api_rate_limited_total", type: "counter", labels: ["by"], exposedBy: "api", help: "Calls that this API refused as one too many, by what they were counted by: key or address." },
  historyLost: { name: "execution_history_lost_total", type: "counter", labels: [], exposedBy: "worker", help: "Lines of the history of executions that this worker could not have written." },
  spansDropped: { name: "trace_spans_dropped_total", type: "counter", labels: [], exposedBy: "worker", help: "Spans of this worker that no receiver took." },
  backupLastSuccess: { name: "backup_last_success_timestamp_seconds", type: "gauge", labels: [], exposedBy: "backup", help: "When the newest whole backup was begun, as a Unix time; 0: there is none." },
  backups: { name: "backups_total", type: "counter", labels: ["outcome"], exposedBy: "backup", help: "Backups that this process made, and those that failed." },
  watchLeader: { name: "watch_leader", type: "gauge", labels: ["service"], exposedBy: "watch", help: "1 where this watch-queue starts and removes the service's containers, 0 where it stands by." },
  watchContainers: { name: "watch_containers", type: "gauge", labels: ["service", "state"], exposedBy: "watch", help: "Workers' containers as the leading watch-queue saw them last: starting, idle, busy or draining." },
  watchStarted: { name: "watch_containers_started_total", type: "counter", labels: ["service"], exposedBy: "watch", help: "Containers that this watch-queue had Compose start." },
  watchFailures: { name: "watch_failures_total", type: "counter", labels: ["service", "loop"], exposedBy: "watch", help: "What failed here: watch (the engine or Redis), start (Compose), definition (the project's files), lease (Redis), events (the engine)." },
} as const satisfies Record<string, MetricDefinition>;

export type MetricKey = keyof typeof METRICS;

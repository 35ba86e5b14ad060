/**
 * Every setting of the worker image: environment name, type, default, bounds, meaning. The only place where
 * a default of the worker stands; configuration, spec, `docs/configuration.md` and the targets read it.
 * Bare numbers are seconds unless the unit says otherwise.
 */

export type SettingRole = "worker" | "spawner" | "api" | "cli" | "broker" | "backup" | "watch";

interface SettingBase {
  readonly env: string;
  readonly roles: readonly SettingRole[];
  /** One sentence for the configuration page. */
  readonly doc: string;
}

export interface NumberSetting extends SettingBase {
  readonly type: "number" | "integer";
  readonly unit: "s" | "ms" | "bytes" | "count" | "port" | "factor";
  readonly default: number;
  readonly min: number;
  readonly max: number;
}
export interface TextSetting extends SettingBase {
  readonly type: "text";
  readonly default: string;
}
/** Read from the variable or, when `<env>_FILE` is set, from that file; never printed. */
export interface SecretSetting extends SettingBase {
  readonly type: "secret";
  readonly default: "";
}
/** Comma-separated. */
export interface ListSetting extends SettingBase {
  readonly type: "list";
  readonly default: readonly string[];
}
/** `1 true yes on` and `0 false no off`. */
export interface SwitchSetting extends SettingBase {
  readonly type: "switch";
  readonly default: boolean;
}
export interface ChoiceSetting extends SettingBase {
  readonly type: "choice";
  readonly choices: readonly string[];
  readonly default: string;
}
export type Setting =
  | NumberSetting
  | TextSetting
  | SecretSetting
  | ListSetting
  | SwitchSetting
  | ChoiceSetting;

const everywhere = ["worker", "spawner", "api", "cli"] as const;
const fleet = ["worker", "spawner"] as const;
const metered = ["worker", "spawner", "api", "backup", "watch"] as const;
const worker = ["worker"] as const;
const spawner = ["spawner"] as const;
const broker = ["broker"] as const;
const api = ["api"] as const;
const cli = ["cli"] as const;
const records = ["spawner", "api", "cli"] as const;
const sandboxes = ["worker", "broker"] as const;
const backup = ["backup"] as const;
const watch = ["watch"] as const;
const traced = ["worker", "api", "cli"] as const;

// biome-ignore format: one setting a line reads as a table
export const SETTINGS = {
  redisUrl: { env: "REDIS_URL", type: "text", default: "redis://127.0.0.1:6379", roles: [...everywhere, "backup", "watch"], doc: "Where Redis is." },
  redisPassword: { env: "REDIS_PASSWORD", type: "secret", default: "", roles: [...everywhere, "backup", "watch"], doc: "Password of Redis, when it is not in REDIS_URL." },
  streams: { env: "TASKFLEET_QUEUE_NAME", type: "list", default: ["peagen.tasks"], roles: [...everywhere, "backup"], doc: "Streams to read; the first is the worker class's own, where workers report and tasks are pushed." },
  concurrency: { env: "WORKER_CONCURRENCY", type: "integer", unit: "count", default: 4, min: 1, max: 1024, roles: worker, doc: "Tasks that one worker runs at once (its slots)." },
  batchSize: { env: "WORKER_BATCH_SIZE", type: "integer", unit: "count", default: 8, min: 1, max: 4096, roles: worker, doc: "Most tasks fetched in one read." },
  pollInterval: { env: "WORKER_POLL_INTERVAL", type: "number", unit: "s", default: 2, min: 0.05, max: 60, roles: worker, doc: "How long one blocking read waits for tasks." },
  preset: { env: "WORKER_PRESET", type: "choice", choices: ["default", "high-throughput", "constrained"], default: "default", roles: worker, doc: "Poll interval, concurrency and batch size together: high-throughput is 1.0/8/16, constrained 5.0/2/4; a variable set by itself wins." },
  idleExit: { env: "WORKER_IDLE_EXIT", type: "number", unit: "s", default: 600, min: 0, max: 604800, roles: worker, doc: "A worker without tasks for this long ends by itself; 0: never." },
  maxUptime: { env: "WORKER_MAX_UPTIME", type: "number", unit: "s", default: 3600, min: 0, max: 604800, roles: worker, doc: "A worker older than this finishes its tasks and ends; 0: never." },
  workerId: { env: "WORKER_ID", type: "text", default: "", roles: worker, doc: "Consumer name, unique per process start. Default: host name and a random part." },
  gracefulShutdownTimeout: { env: "TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT", type: "number", unit: "s", default: 300, min: 0, max: 86400, roles: worker, doc: "After SIGTERM or SIGINT running tasks may finish for this long; the rest is handed back." },
  cancelGrace: { env: "TASKFLEET_CANCEL_GRACE", type: "number", unit: "s", default: 5, min: 0, max: 3600, roles: worker, doc: "How long a handler may take to obey a cancel or time-out before it is forced." },
  taskTimeout: { env: "TASKFLEET_TASK_TIMEOUT", type: "number", unit: "s", default: 3600, min: 0.001, max: 604800, roles: worker, doc: "Wall-clock limit of an attempt where neither task nor handler names one." },
  lease: { env: "TASKFLEET_LEASE", type: "number", unit: "s", default: 45, min: 0.5, max: 3600, roles: [...fleet, "watch"], doc: "A running task whose worker is silent for this long is taken back; workers renew every third of it." },
  sweepInterval: { env: "TASKFLEET_SWEEP_INTERVAL", type: "number", unit: "s", default: 15, min: 0.1, max: 3600, roles: spawner, doc: "How often the spawner looks for lost tasks; lease + sweep is the longest a dead worker's task waits." },
  maxAttempts: { env: "TASKFLEET_MAX_ATTEMPTS", type: "integer", unit: "count", default: 3, min: 1, max: 100, roles: fleet, doc: "Runs in all before a failing task is dead-lettered." },
  maxDeliveries: { env: "TASKFLEET_MAX_DELIVERIES", type: "integer", unit: "count", default: 5, min: 1, max: 100, roles: fleet, doc: "How often a task may be taken back from dying workers before it is dead-lettered as poison." },
  retryBase: { env: "TASKFLEET_RETRY_BASE", type: "number", unit: "s", default: 2, min: 0, max: 3600, roles: worker, doc: "Delay of the first retry; doubles with every further one." },
  retryMax: { env: "TASKFLEET_RETRY_MAX", type: "number", unit: "s", default: 300, min: 0, max: 86400, roles: worker, doc: "Upper bound of a retry's delay, before jitter." },
  retryJitter: { env: "TASKFLEET_RETRY_JITTER", type: "number", unit: "factor", default: 0.2, min: 0, max: 1, roles: worker, doc: "A retry's delay is spread by this share either way." },
  circuitFailures: { env: "TASKFLEET_CIRCUIT_FAILURES", type: "integer", unit: "count", default: 5, min: 1, max: 1000, roles: worker, doc: "Failed calls of a service in a row that open its circuit, for the whole fleet." },
  circuitOpen: { env: "TASKFLEET_CIRCUIT_OPEN", type: "number", unit: "s", default: 60, min: 0.1, max: 86400, roles: worker, doc: "How long an open circuit refuses calls before one is tried; failures further apart than this do not add up." },
  resultTtl: { env: "TASKFLEET_RESULT_TTL", type: "integer", unit: "s", default: 3600, min: 1, max: 31536000, roles: everywhere, doc: "How long results are kept." },
  resultBackEnd: { env: "TASKFLEET_RESULT_BACKEND", type: "choice", choices: ["redis", "fs"], default: "redis", roles: worker, doc: "Where workers keep what tasks return: in Redis, or as files of TASKFLEET_RESULT_DIRECTORY, with a reference in Redis ([results](results.md))." },
  resultDirectory: { env: "TASKFLEET_RESULT_DIRECTORY", type: "text", default: "", roles: everywhere, doc: "Folder of results that are kept as files, as this process sees it; needed by whoever writes, reads or tidies up such results." },
  maxPayloadBytes: { env: "TASKFLEET_MAX_PAYLOAD_BYTES", type: "integer", unit: "bytes", default: 2097152, min: 1024, max: 134217728, roles: everywhere, doc: "Largest payload, as JSON text." },
  kindLimits: { env: "TASKFLEET_KIND_LIMITS", type: "list", default: [], roles: fleet, doc: "Limits of kinds across all workers of the queue: `kind=N` for N tasks at once, `kind=N/Ts` for N starts in any T seconds, as in `llm=4,llm=100/60s`. Each wins over what the kind's handler declares." },
  handlers: { env: "TASKFLEET_HANDLERS", type: "text", default: "", roles: fleet, doc: "Folder of handler modules beside the bundled ones." },
  httpAllow: { env: "TASKFLEET_HTTP_ALLOW", type: "list", default: [], roles: worker, doc: "Hosts (`host`, `host:port`) that the handler `http` may call without TLS and at addresses that are not public." },
  imageTag: { env: "TASKFLEET_IMAGE_TAG", type: "text", default: "unknown", roles: fleet, doc: "Config digest of the image, or bundle:sha256:... ; recorded in every result." },
  revision: { env: "TASKFLEET_REVISION", type: "text", default: "", roles: fleet, doc: "Hash of what workers are started with; the spawner replaces workers of another revision." },
  httpHost: { env: "TASKFLEET_HTTP_HOST", type: "text", default: "127.0.0.1", roles: metered, doc: "Address of /metrics and /health; the API has its own address beside it." },
  httpPort: { env: "TASKFLEET_HTTP_PORT", type: "integer", unit: "port", default: 0, min: 0, max: 65535, roles: [...metered, "cli"], doc: "Port of /metrics and /health; 0: any free one." },
  leaderLease: { env: "TASKFLEET_LEADER_LEASE", type: "number", unit: "s", default: 10, min: 0.5, max: 300, roles: [...spawner, "watch"], doc: "A spawner, or a watcher, that leads and is silent for this long is succeeded by another." },
  scaleMin: { env: "TASKFLEET_SCALE_MIN", type: "integer", unit: "count", default: 1, min: 0, max: 10000, roles: spawner, doc: "Fewest workers while there is work, or until the idle rule fires." },
  scaleMax: { env: "TASKFLEET_SCALE_MAX", type: "integer", unit: "count", default: 32, min: 1, max: 10000, roles: spawner, doc: "Most workers." },
  tasksPerWorker: { env: "TASKFLEET_SCALE_TASKS_PER_WORKER", type: "integer", unit: "count", default: 2, min: 1, max: 100000, roles: spawner, doc: "Pending tasks that justify one worker." },
  scaleInterval: { env: "TASKFLEET_SCALE_INTERVAL", type: "number", unit: "s", default: 30, min: 0.05, max: 3600, roles: spawner, doc: "How often the scaling law decides." },
  idleToZero: { env: "TASKFLEET_SCALE_IDLE_TO_ZERO", type: "number", unit: "s", default: 300, min: 0, max: 604800, roles: spawner, doc: "No task waiting or running for this long: no workers." },
  warmPool: { env: "TASKFLEET_SCALE_WARM_POOL", type: "integer", unit: "count", default: 2, min: 0, max: 10000, roles: spawner, doc: "Free workers kept ahead of demand while there is work." },
  warmPoolWhenIdle: { env: "TASKFLEET_SCALE_WARM_POOL_WHEN_IDLE", type: "switch", default: false, roles: spawner, doc: "Keep the warm pool when the idle rule fires." },
  actuator: { env: "TASKFLEET_ACTUATOR", type: "choice", choices: ["none", "process"], default: "none", roles: spawner, doc: "Who starts and stops workers: nobody (the target's own scaler), or this spawner, as processes of this machine." },
  watch: { env: "TASKFLEET_WATCH", type: "list", default: ["worker=peagen.tasks"], roles: watch, doc: "Compose services whose containers `watch-queue` starts and removes, each with the stream of its workers: `service=stream`." },
  watchProject: { env: "TASKFLEET_WATCH_PROJECT", type: "text", default: "", roles: watch, doc: "Name of the Compose project that they belong to; needed." },
  watchDirectory: { env: "TASKFLEET_WATCH_DIRECTORY", type: "text", default: "", roles: watch, doc: "The project's folder, at the same absolute path as on the engine's host; needed." },
  watchInterval: { env: "TASKFLEET_WATCH_INTERVAL", type: "number", unit: "s", default: 5, min: 0.1, max: 3600, roles: watch, doc: "How often `watch-queue` compares the containers with the wanted number; a new number or a container's end it heeds at once." },
  watchCompose: { env: "TASKFLEET_WATCH_COMPOSE", type: "text", default: "docker compose", roles: watch, doc: "Words that start Docker Compose, such as `docker-compose`." },
  runDirectory: { env: "TASKFLEET_RUN_DIRECTORY", type: "text", default: "", roles: fleet, doc: "Where the process actuator keeps a file per worker; needed by the actuator `process`." },
  logDirectory: { env: "TASKFLEET_LOG_DIRECTORY", type: "text", default: "", roles: ["spawner", "cli"], doc: "Where the process actuator writes the workers' logs and `taskfleet logs` reads them." },
  executeSandbox: { env: "TASKFLEET_EXECUTE_SANDBOX", type: "choice", choices: ["requested", "always"], default: "requested", roles: worker, doc: "Which programs of `execute` run in the sandbox: those whose payload says `untrusted`, or all." },
  executeBackEnd: { env: "TASKFLEET_EXECUTE_BACK_END", type: "choice", choices: ["auto", "bubblewrap", "landlock", "broker"], default: "auto", roles: worker, doc: "What makes the sandbox; auto: the strongest of bubblewrap and landlock that works here." },
  executeAcceptUnenforced: { env: "TASKFLEET_EXECUTE_ACCEPT_UNENFORCED", type: "list", default: [], roles: worker, doc: "Protections that the sandbox may lack, by name (docs/sandbox.md); without, such programs are refused." },
  executeReadable: { env: "TASKFLEET_EXECUTE_READABLE", type: "list", default: [], roles: worker, doc: "Folders beside the system's that sandboxed programs may read and execute." },
  executeProcesses: { env: "TASKFLEET_EXECUTE_PROCESSES", type: "integer", unit: "count", default: 128, min: 1, max: 32768, roles: sandboxes, doc: "Most processes and threads of a sandboxed program." },
  executeMemory: { env: "TASKFLEET_EXECUTE_MEMORY", type: "integer", unit: "bytes", default: 1073741824, min: 16777216, max: 4398046511104, roles: sandboxes, doc: "Most memory of a sandboxed program." },
  executeCpuTime: { env: "TASKFLEET_EXECUTE_CPU_TIME", type: "number", unit: "s", default: 30, min: 0.1, max: 604800, roles: sandboxes, doc: "Most processor time of a sandboxed program, all its processes together." },
  executeTimeout: { env: "TASKFLEET_EXECUTE_TIMEOUT", type: "number", unit: "s", default: 30, min: 0.1, max: 604800, roles: sandboxes, doc: "Wall-clock limit of a sandboxed program." },
  executeOutput: { env: "TASKFLEET_EXECUTE_OUTPUT", type: "integer", unit: "bytes", default: 1048576, min: 0, max: 16777216, roles: sandboxes, doc: "Most that a sandboxed program may print." },
  executeDisk: { env: "TASKFLEET_EXECUTE_DISK", type: "integer", unit: "bytes", default: 268435456, min: 65536, max: 1099511627776, roles: sandboxes, doc: "Most that a sandboxed program may write to its scratch folder." },
  sandboxBroker: { env: "TASKFLEET_SANDBOX_BROKER", type: "text", default: "", roles: sandboxes, doc: "Path of the sandbox broker's unix socket, for the back end `broker`." },
  brokerImage: { env: "TASKFLEET_BROKER_IMAGE", type: "text", default: "", roles: broker, doc: "Image in which the sandbox broker runs programs; it must be there, and is never pulled." },
  brokerRuntime: { env: "TASKFLEET_BROKER_RUNTIME", type: "text", default: "", roles: broker, doc: "Docker's name of the OCI runtime of sandboxes, such as `runsc` for gVisor. Default: Docker's own." },
  brokerGroup: { env: "TASKFLEET_BROKER_GROUP", type: "integer", unit: "count", default: 65532, min: 0, max: 4294967294, roles: broker, doc: "Group id that may connect to the sandbox broker: the workers'." },
  brokerContainers: { env: "TASKFLEET_BROKER_CONTAINERS", type: "integer", unit: "count", default: 8, min: 1, max: 1024, roles: broker, doc: "Containers of the sandbox broker at once; further programs wait." },
  brokerCpus: { env: "TASKFLEET_BROKER_CPUS", type: "number", unit: "count", default: 1, min: 0.05, max: 256, roles: broker, doc: "CPUs of one container of the sandbox broker." },
  confine: { env: "TASKFLEET_CONFINE", type: "switch", default: false, roles: worker, doc: "Whether a supervisor confines the worker that it starts, as the settings from here to TASKFLEET_HIDDEN_PATHS say and the machine allows." },
  uid: { env: "TASKFLEET_UID", type: "integer", unit: "count", default: 65532, min: 1, max: 4294967294, roles: worker, doc: "User and group id of a confined worker that root starts." },
  readOnlyRoot: { env: "TASKFLEET_READ_ONLY_ROOT", type: "switch", default: true, roles: worker, doc: "A confined worker may write to its temporary folder alone." },
  noNewPrivileges: { env: "TASKFLEET_NO_NEW_PRIVILEGES", type: "switch", default: true, roles: worker, doc: "Set-user-id programs give a confined worker no rights." },
  dropCapabilities: { env: "TASKFLEET_DROP_CAPABILITIES", type: "choice", choices: ["all", "none"], default: "all", roles: worker, doc: "Capabilities that a confined worker cannot have." },
  seccomp: { env: "TASKFLEET_SECCOMP", type: "choice", choices: ["runtime/default", "unconfined"], default: "runtime/default", roles: worker, doc: "Which system calls a confined worker may make." },
  pids: { env: "TASKFLEET_PIDS", type: "integer", unit: "count", default: 256, min: 16, max: 32768, roles: worker, doc: "Most processes and threads of a confined worker and its programs." },
  memory: { env: "TASKFLEET_MEMORY", type: "integer", unit: "bytes", default: 536870912, min: 67108864, max: 4398046511104, roles: worker, doc: "Memory limit of a confined worker and its programs." },
  cpu: { env: "TASKFLEET_CPU", type: "number", unit: "count", default: 0.5, min: 0.05, max: 256, roles: worker, doc: "CPUs of a confined worker and its programs." },
  hiddenPaths: { env: "TASKFLEET_HIDDEN_PATHS", type: "list", default: [], roles: worker, doc: "Folders and files that a confined worker does not see." },
  sandboxHelper: { env: "TASKFLEET_SANDBOX_HELPER", type: "text", default: "", roles: worker, doc: "Path of the program taskfleet-sandbox, built from worker/sandbox; without it, untrusted programs are refused and workers lose controls." },
  controlGroup: { env: "TASKFLEET_CONTROL_GROUP", type: "list", default: [], roles: worker, doc: "Folders of the control group in which the worker may make groups for its tasks; a supervisor sets it." },
  controls: { env: "TASKFLEET_CONTROLS", type: "text", default: "", roles: ["worker", "cli"], doc: "JSON of the controls that hold and of those that are lost; a supervisor sets it." },
  databaseUrl: { env: "DATABASE_URL", type: "secret", default: "", roles: records, doc: "PostgreSQL of the record, as `postgresql://user:password@host:5432/database?sslmode=verify-full`; none: runs are not recorded." },
  pgHost: { env: "PGHOST", type: "text", default: "", roles: records, doc: "The same in parts, where DATABASE_URL is not set: host." },
  pgPort: { env: "PGPORT", type: "integer", unit: "port", default: 5432, min: 1, max: 65535, roles: records, doc: "The same in parts: port." },
  pgUser: { env: "PGUSER", type: "text", default: "", roles: records, doc: "The same in parts: user." },
  pgPassword: { env: "PGPASSWORD", type: "secret", default: "", roles: records, doc: "The same in parts: password." },
  pgDatabase: { env: "PGDATABASE", type: "text", default: "", roles: records, doc: "The same in parts: database." },
  databaseAdminUrl: { env: "TASKFLEET_DATABASE_ADMIN_URL", type: "secret", default: "", roles: cli, doc: "A user that may make roles and databases, for `taskfleet db setup`." },
  databaseMigrateUrl: { env: "TASKFLEET_DATABASE_MIGRATE_URL", type: "secret", default: "", roles: cli, doc: "The role that owns the record's tables, for `taskfleet db migrate`." },
  databaseBackupUrl: { env: "TASKFLEET_DATABASE_BACKUP_URL", type: "secret", default: "", roles: ["cli", "backup"], doc: "The role that may read the record's tables and nothing else, for backups." },
  tablePrefix: { env: "TASKFLEET_TABLE_PREFIX", type: "text", default: "", roles: [...records, "backup"], doc: "Before the names of the record's tables and roles, so that tenants may share a database: up to 20 of a-z 0-9 _, a letter first." },
  poolSize: { env: "TASKFLEET_POOL_SIZE", type: "integer", unit: "count", default: 10, min: 1, max: 1000, roles: records, doc: "Connections to the database that are kept." },
  poolOverflow: { env: "TASKFLEET_POOL_OVERFLOW", type: "integer", unit: "count", default: 20, min: 0, max: 1000, roles: records, doc: "Further connections at a peak; idle ones are closed after 10 s." },
  poolTimeout: { env: "TASKFLEET_POOL_TIMEOUT", type: "number", unit: "s", default: 30, min: 0.05, max: 3600, roles: records, doc: "How long a query waits for a connection." },
  poolRecycle: { env: "TASKFLEET_POOL_RECYCLE", type: "number", unit: "s", default: 1800, min: 1, max: 604800, roles: records, doc: "Age at which a connection is replaced." },
  poolPrePing: { env: "TASKFLEET_POOL_PRE_PING", type: "switch", default: true, roles: records, doc: "A connection that was idle is tried before a query gets it." },
  recordBuffer: { env: "TASKFLEET_RECORD_BUFFER", type: "integer", unit: "bytes", default: 268435456, min: 65536, max: 17179869184, roles: spawner, doc: "Most bytes of events that wait in Redis for the database; beyond it the oldest are dropped and counted." },
  recordBatch: { env: "TASKFLEET_RECORD_BATCH", type: "integer", unit: "count", default: 5000, min: 1, max: 100000, roles: spawner, doc: "Most rows of one transaction." },
  recordInterval: { env: "TASKFLEET_RECORD_INTERVAL", type: "number", unit: "s", default: 0.2, min: 0.01, max: 60, roles: spawner, doc: "Pause between two looks for events." },
  retention: { env: "TASKFLEET_RETENTION", type: "number", unit: "s", default: 2592000, min: 0, max: 315360000, roles: ["spawner", "cli"], doc: "Runs that ended this long ago are taken out of the record, once a day; 0: never." },
  retentionMode: { env: "TASKFLEET_RETENTION_MODE", type: "choice", choices: ["delete", "archive"], default: "delete", roles: ["spawner", "cli"], doc: "What becomes of them: deleted, or moved to the archive table." },
  backupDirectory: { env: "TASKFLEET_BACKUP_DIRECTORY", type: "text", default: ".var/backups", roles: ["backup", "cli"], doc: "Folder of the backups." },
  backupEvery: { env: "TASKFLEET_BACKUP_EVERY", type: "number", unit: "s", default: 86400, min: 1, max: 31536000, roles: backup, doc: "How old the newest backup may become before `taskfleet backup run` makes another." },
  backupKeep: { env: "TASKFLEET_BACKUP_KEEP", type: "integer", unit: "count", default: 7, min: 1, max: 10000, roles: backup, doc: "Backups that are kept; older ones are removed after a good one." },
  backupPrograms: { env: "TASKFLEET_BACKUP_PROGRAMS", type: "list", default: [], roles: backup, doc: "Folders where backups look for `pg_dump`, `pg_restore`, `initdb`, `postgres`, `redis-cli` and `redis-server`, before PATH and where packages put them." },
  apiHost: { env: "TASKFLEET_API_HOST", type: "text", default: "127.0.0.1", roles: api, doc: "Address of the API." },
  apiPort: { env: "TASKFLEET_API_PORT", type: "integer", unit: "port", default: 8080, min: 0, max: 65535, roles: api, doc: "Port of the API; 0: any free one." },
  apiUrl: { env: "TASKFLEET_API_URL", type: "text", default: "", roles: cli, doc: "Where the API is, for commands that use it." },
  apiKey: { env: "TASKFLEET_API_KEY", type: "secret", default: "", roles: ["api", "cli"], doc: "A first key with every verb; for a client, its own." },
  apiRate: { env: "TASKFLEET_API_RATE", type: "integer", unit: "count", default: 100, min: 0, max: 1000000, roles: api, doc: "Calls of `POST /api/tasks` that a key, or else an address, may make in a window, all replicas together; 0: any number." },
  apiRateWindow: { env: "TASKFLEET_API_RATE_WINDOW", type: "number", unit: "s", default: 60, min: 0.1, max: 86400, roles: api, doc: "Length of that window, which slides." },
  apiMaxBody: { env: "TASKFLEET_API_MAX_BODY", type: "integer", unit: "bytes", default: 8388608, min: 1024, max: 268435456, roles: api, doc: "Largest body of a request." },
  apiMaxBatch: { env: "TASKFLEET_API_MAX_BATCH", type: "integer", unit: "count", default: 500, min: 1, max: 10000, roles: api, doc: "Most tasks of one request." },
  apiTrustProxy: { env: "TASKFLEET_API_TRUST_PROXY", type: "list", default: [], roles: api, doc: "Addresses and networks of proxies whose X-Forwarded-For counts." },
  sessionHeartbeat: { env: "TASKFLEET_SESSION_HEARTBEAT", type: "number", unit: "s", default: 30, min: 0.05, max: 3600, roles: api, doc: "How often a session's client is pinged; one that has not answered by the next ping is cut off, and so is one that reads too slowly for so long." },
  sessionIdle: { env: "TASKFLEET_SESSION_IDLE", type: "number", unit: "s", default: 300, min: 0.1, max: 604800, roles: api, doc: "A session is closed when for so long neither side had anything to say." },
  sessionTotal: { env: "TASKFLEET_SESSION_TOTAL", type: "number", unit: "s", default: 3600, min: 0.1, max: 604800, roles: api, doc: "A session ends so long after it was opened." },
  sessionResume: { env: "TASKFLEET_SESSION_RESUME", type: "number", unit: "s", default: 300, min: 0, max: 86400, roles: api, doc: "How long a session may be resumed after its connection is gone." },
  sessionMaxMessage: { env: "TASKFLEET_SESSION_MAX_MESSAGE", type: "integer", unit: "bytes", default: 1048576, min: 1024, max: 134217728, roles: api, doc: "Largest message of a session's client." },
  sessionBuffer: { env: "TASKFLEET_SESSION_BUFFER", type: "integer", unit: "bytes", default: 1048576, min: 1024, max: 1073741824, roles: api, doc: "Nothing further is sent to a session while so much waits for its client to read." },
  sessionsPerClient: { env: "TASKFLEET_SESSIONS_PER_CLIENT", type: "integer", unit: "count", default: 10, min: 1, max: 100000, roles: api, doc: "Most sessions of a key on a stream, all replicas together." },
  sessionMaxTasks: { env: "TASKFLEET_SESSION_MAX_TASKS", type: "integer", unit: "count", default: 1000, min: 1, max: 100000, roles: api, doc: "Most tasks that a session follows at once." },
  sessionMaxEvents: { env: "TASKFLEET_SESSION_MAX_EVENTS", type: "integer", unit: "count", default: 10000, min: 10, max: 1000000, roles: api, doc: "Most events that are kept for a session; the oldest go first." },
  secretSources: { env: "TASKFLEET_SECRET_SOURCES", type: "list", default: [], roles: [...everywhere, "backup", "watch"], doc: "Where secrets come from beside the environment, by precedence: `file:/path/of.json`, `aws:<secret id>`, `gcp:projects/<p>/secrets/<s>`, `vault:<mount>/<path>` ([secrets](secrets.md))." },
  secretRefresh: { env: "TASKFLEET_SECRET_REFRESH", type: "number", unit: "s", default: 60, min: 0.1, max: 86400, roles: [...everywhere, "backup", "watch"], doc: "How often secrets that can change are read again; files are watched beside that." },
  tracing: { env: "TASKFLEET_TRACING", type: "switch", default: false, roles: traced, doc: "Whether spans are made and sent away; also on where APPLICATIONINSIGHTS_CONNECTION_STRING is set ([tracing](tracing.md))." },
  otlpEndpoint: { env: "OTEL_EXPORTER_OTLP_ENDPOINT", type: "text", default: "", roles: traced, doc: "Collector for OTLP over HTTP, without `/v1/traces`. Default: `http://127.0.0.1:4318`, or none where APPLICATIONINSIGHTS_CONNECTION_STRING is set." },
  otlpHeaders: { env: "OTEL_EXPORTER_OTLP_HEADERS", type: "secret", default: "", roles: traced, doc: "Headers for it, as `name=value` with commas between them." },
  azureMonitor: { env: "APPLICATIONINSIGHTS_CONNECTION_STRING", type: "secret", default: "", roles: traced, doc: "Azure Monitor, which gets the spans too." },
  tracingSample: { env: "TASKFLEET_TRACING_SAMPLE", type: "number", unit: "factor", default: 1, min: 0, max: 1, roles: traced, doc: "Share of the traces begun here that is kept; a trace that came from elsewhere was decided there." },
  serviceName: { env: "OTEL_SERVICE_NAME", type: "text", default: "", roles: traced, doc: "`service.name` of the spans. Default: `taskfleet-worker`, `taskfleet-api` or `taskfleet-cli`." },
  traceparent: { env: "TRACEPARENT", type: "text", default: "", roles: cli, doc: "The trace that pushes of the command line belong to, as in W3C's header." },
  history: { env: "TASKFLEET_HISTORY", type: "text", default: "", roles: worker, doc: "File of the history of executions, a JSON line for each attempt; none: no history ([logs](logging.md#history-of-executions))." },
  historyMax: { env: "TASKFLEET_HISTORY_MAX", type: "integer", unit: "bytes", default: 10485760, min: 1024, max: 1073741824, roles: worker, doc: "Size at which that file is put aside." },
  historyKeep: { env: "TASKFLEET_HISTORY_KEEP", type: "integer", unit: "count", default: 5, min: 1, max: 100, roles: worker, doc: "How many such files are kept beside it." },
  logHandlers: { env: "LOG_HANDLERS", type: "list", default: ["stdout"], roles: [...everywhere, "broker", "backup", "watch"], doc: "Where logs go: `stdout`, `stderr`, `file:PATH?max=10mb&keep=5`, each with `format=` of its own if wanted ([logging](logging.md))." },
  logFormat: { env: "LOG_FORMAT", type: "choice", choices: ["auto", "json", "people", "logfmt"], default: "auto", roles: [...everywhere, "broker", "backup", "watch"], doc: "How logs are written; auto: as LOG_JSON says." },
  logFields: { env: "LOG_FIELDS", type: "list", default: [], roles: [...everywhere, "broker", "backup", "watch"], doc: "Other names for fields of JSON and logfmt records, as in `timestamp=@timestamp,message=event`." },
  logJson: { env: "LOG_JSON", type: "switch", default: true, roles: [...everywhere, "broker", "backup", "watch"], doc: "JSON logs; off: for people." },
  logLevel: { env: "LOG_LEVEL", type: "choice", choices: ["debug", "info", "warning", "error"], default: "info", roles: [...everywhere, "broker", "backup", "watch"], doc: "Least level that is logged." },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** Values that `WORKER_PRESET` puts in place of defaults. Source: worker-pool runbook. */
export const PRESETS = {
  default: {},
  "high-throughput": { pollInterval: 1, concurrency: 8, batchSize: 16 },
  constrained: { pollInterval: 5, concurrency: 2, batchSize: 4 },
} as const;

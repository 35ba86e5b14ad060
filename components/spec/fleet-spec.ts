import type { Protection } from "../../worker/contract/sandbox.ts";
import type { Confinement } from "./features.ts";
import type { Duration, Size } from "./units.ts";

/**
 * What a user may say about a fleet: plain data, the same for every target. Everything is optional; what is
 * left out comes from `defaults.ts`. Bare numbers are seconds, or bytes where a size is meant.
 */
export interface FleetSpec {
  /** The fleet's name; its default stream is `<name>.tasks`. Lower-case letters, digits, hyphens. */
  readonly name?: string;
  /** What one worker process does. A change replaces workers one after the other, after their tasks. */
  readonly worker?: NamedWorkerSpec;
  /** What happens to a task that fails, is lost, or is done. */
  readonly delivery?: DeliverySpec;
  /** How many workers there are. */
  readonly scaling?: ScalingSpec;
  /** Limits of kinds across all workers of a queue, by kind; each class has a queue of its own. */
  readonly limits?: Readonly<Record<string, KindLimitsSpec>>;
  /** When services outside are given a rest. */
  readonly circuit?: CircuitSpec;
  readonly logging?: LoggingSpec;
  readonly tracing?: TracingSpec;
  /** The history of executions: a file with a line for each attempt that ended. */
  readonly history?: HistorySpec;
  /** Folder of handler modules beside the bundled ones, relative to the project's root. */
  readonly handlers?: string;
  /** Further worker classes by name; each has its own stream `<name>.tasks.<class>`, workers and scaler. */
  readonly classes?: Readonly<Record<string, WorkerClassSpec>>;
  readonly redis?: RedisSpec;
  /**
   * Keep every run and its log in PostgreSQL. Off: none is started, and what is recorded stays where it is. Default: on.
   */
  readonly recordRuns?: boolean;
  /** The record's database, and how processes use it. */
  readonly database?: DatabaseSpec;
  readonly api?: ApiSpec;
  readonly backup?: BackupSpec;
  /** What shows how the fleet is doing, where the target brings it up. */
  readonly observability?: ObservabilitySpec;
  readonly execute?: ExecuteSpec;
  readonly http?: HttpSpec;
  readonly secrets?: SecretsSpec;
  readonly security?: SecuritySpec;
}

export interface WorkerSpec {
  /** Poll interval, concurrency and batch size together; a field set by itself wins. */
  readonly preset?: "default" | "high-throughput" | "constrained";
  /** Tasks that one worker runs at once. */
  readonly concurrency?: number;
  /** Most tasks fetched in one read. */
  readonly batchSize?: number;
  /** How long one blocking read waits for tasks. */
  readonly pollInterval?: Duration;
  /** A worker without tasks for this long ends by itself; 0: never. */
  readonly idleExit?: Duration;
  /** A worker older than this finishes its tasks and ends; 0: never. */
  readonly maxUptime?: Duration;
  /** Running tasks may finish for this long after a stop was asked for. */
  readonly gracefulShutdownTimeout?: Duration;
  /** Limit of one attempt where neither task nor handler names one. */
  readonly taskTimeout?: Duration;
  /** How long a handler may take to obey a cancel before it is forced. */
  readonly cancelGrace?: Duration;
}

export interface NamedWorkerSpec extends WorkerSpec {
  /**
   * What the workers' service is called, where the target has services: `nova_worker`. Those of class `gpu` are then
   * `nova_worker-gpu`. Another name makes another service.
   */
  readonly service?: string;
}

export interface DeliverySpec {
  /** A running task whose worker is silent for this long is taken back. */
  readonly lease?: Duration;
  /** How often lost tasks are looked for; lease + sweep is the longest that a dead worker's task waits. */
  readonly sweepInterval?: Duration;
  /** Runs in all before a failing task is dead-lettered. */
  readonly maxAttempts?: number;
  /** How often a task may be taken back from dying workers before it is dead-lettered as poison. */
  readonly maxDeliveries?: number;
  /** Delay of the first retry; doubles with every further one. */
  readonly retryBase?: Duration;
  /** Upper bound of a retry's delay, before jitter. */
  readonly retryMax?: Duration;
  /** A retry's delay is spread by this share either way: 0 to 1. */
  readonly retryJitter?: number;
  /** How long results, and with them idempotency keys, are kept. */
  readonly resultTtl?: Duration;
  /** Where what tasks return is kept: in Redis, or as files with a reference in Redis. */
  readonly results?: "redis" | "fs";
  /**
   * Absolute path of the folder of those files, as workers, spawners and the API see it. Default: the target's own place.
   * Named without `results: "fs"`, earlier files can still be read.
   */
  readonly resultDirectory?: string;
  /** Largest payload, as JSON text. */
  readonly maxPayload?: Size;
}

/** The backlog policy: `max(min, min(max, pending // tasksPerWorker))`, see `worker/contract/scaling.ts`. */
export interface ScalingSpec {
  /** Fewest workers while there is work, or until the idle rule fires. */
  readonly min?: number;
  readonly max?: number;
  /** Pending tasks that justify one worker. */
  readonly tasksPerWorker?: number;
  /** How often the law decides. */
  readonly interval?: Duration;
  /** No task waiting or running for this long: no workers. */
  readonly idleToZero?: Duration;
  /** Free workers kept ahead of demand while there is work. */
  readonly warmPool?: number;
  /** Keep the warm pool when the idle rule fires. */
  readonly warmPoolWhenIdle?: boolean;
  /** A leading spawner that is silent for this long is succeeded by the other. */
  readonly leaderLease?: Duration;
}

/** What is set here wins over what the kind's handler declares. A task over its limit waits and blocks no other. */
export interface KindLimitsSpec {
  /** Most tasks of the kind that run at once. Default: no limit. */
  readonly concurrency?: number;
  /** Most tasks of the kind that start in any window of time. Default: no limit. */
  readonly rate?: RateSpec;
}

export interface RateSpec {
  readonly tasks: number;
  /** Length of the window. */
  readonly per: Duration;
}

/** The circuit breaker that handlers put around calls of a service; its state is the whole fleet's. */
export interface CircuitSpec {
  /** Failed calls in a row that open it. */
  readonly failures?: number;
  /** How long it then refuses calls before one is tried. */
  readonly open?: Duration;
}

export interface LoggingSpec {
  readonly level?: "debug" | "info" | "warning" | "error";
  /** One JSON object a line; off: lines for people. */
  readonly json?: boolean;
}

/** Traces of tasks, from their pushes to their results, by OpenTelemetry. */
export interface TracingSpec {
  /** Default: off. */
  readonly enabled?: boolean;
  /** Collector for OTLP over HTTP, as workers and the API reach it, without `/v1/traces`. */
  readonly otlpEndpoint?: string;
  /** Share of the traces that begin here which is kept: 0 to 1. */
  readonly sample?: number;
}

/** A file for each machine, which its workers share. */
export interface HistorySpec {
  /** Default: on, where the target has a place for it. */
  readonly enabled?: boolean;
  /** Size at which the file is put aside. */
  readonly max?: Size;
  /** How many such files are kept beside it. */
  readonly keep?: number;
}

/** What differs from the fleet's own `worker` and `scaling` for one class. */
export interface WorkerClassSpec {
  readonly worker?: WorkerSpec;
  readonly scaling?: ScalingSpec;
  /** GPUs that each worker needs. */
  readonly gpu?: number;
}

export interface RedisSpec {
  /** This port and no other. Without it: the usual one where it is free, else the next free one. */
  readonly port?: number;
  /** Above this, new tasks are refused; nothing is evicted, and running work still settles. */
  readonly maxMemory?: Size;
}

/** Says nothing where `recordRuns` is off, but for `recordBuffer`. */
export interface DatabaseSpec {
  /** This port and no other. Without it: the usual one where it is free, else the next free one. */
  readonly port?: number;
  /**
   * Before the names of the record's tables and roles: up to 20 of a-z 0-9 _, a letter first. A change starts an empty
   * record beside the old one.
   */
  readonly tablePrefix?: string;
  /** Connections that each process keeps. */
  readonly poolSize?: number;
  /** Further connections of a process at a peak. */
  readonly poolOverflow?: number;
  /** How long a query waits for a connection. */
  readonly poolTimeout?: Duration;
  /** Age at which a connection is replaced. */
  readonly poolRecycle?: Duration;
  /** Try a connection that was idle before a query gets it. */
  readonly poolPrePing?: boolean;
  /** Runs that ended this long ago leave the record; 0: never. */
  readonly retention?: Duration;
  /** What becomes of them. */
  readonly retentionMode?: "delete" | "archive";
  /** Most bytes of events that wait in Redis while the database is away. */
  readonly recordBuffer?: Size;
}

/** Backups of queue and record. */
export interface BackupSpec {
  /** Default: on. */
  readonly enabled?: boolean;
  /** How old the newest may become before another is made. */
  readonly every?: Duration;
  /** How many are kept. */
  readonly keep?: number;
  /** Absolute path of their folder. Default: one beside the stack's own, which stays when its data are deleted. */
  readonly directory?: string;
  /** Name of a backup with which new, empty servers are filled before anybody uses them; others are left alone. */
  readonly restore?: string;
}

/** Metrics, alerts, dashboards and logs. */
export interface ObservabilitySpec {
  /** Prometheus, Alertmanager and what follows. Default: on. */
  readonly enabled?: boolean;
  /** Dashboards. Default: on. */
  readonly grafana?: boolean;
  /** Loki, and what ships the containers' logs there. Default: on. */
  readonly logs?: boolean;
  /** Where alerts are posted, as Alertmanager's JSON. Default: nowhere, they are shown alone. */
  readonly alertWebhook?: string;
  /** Ports of this machine alone: Prometheus, 9090 by default; dashboards, 3000; and logs as syslog over UDP, 1514. */
  readonly prometheusPort?: number;
  readonly grafanaPort?: number;
  readonly syslogPort?: number;
}

/** The HTTP API. */
export interface ApiSpec {
  /** Default: on. */
  readonly enabled?: boolean;
  /** Address on which it is published. Default: the target's own, see `docs/spec.md`. */
  readonly host?: string;
  /** This port and no other. Without it: the usual one where it is free, else the next free one. */
  readonly port?: number;
  /** Calls of `POST /api/tasks` that a key may make in a window; 0: any number. */
  readonly rate?: number;
  /** Length of that window, which slides. */
  readonly window?: Duration;
  /** Largest body of a request. */
  readonly maxBody?: Size;
  readonly sessions?: SessionsSpec;
}

/** Sessions over WebSocket. */
export interface SessionsSpec {
  /** How often a client is pinged; one that does not answer, or does not read for so long, is dropped. */
  readonly heartbeat?: Duration;
  /** A session is closed when for so long neither side had anything to say. */
  readonly idle?: Duration;
  /** A session ends so long after it was opened. */
  readonly total?: Duration;
  /** How long a session may be resumed after its connection is gone. */
  readonly resume?: Duration;
  /** Largest message of a client. */
  readonly maxMessage?: Size;
  /** Nothing further is sent while so much waits for the client to read. */
  readonly buffer?: Size;
  /** Most sessions of a key on a stream. */
  readonly perClient?: number;
  /** Most tasks that a session follows at once. */
  readonly maxTasks?: number;
  /** Most events that are kept for a session. */
  readonly maxEvents?: number;
}

/**
 * The bundled handler `execute`, and the sandbox of the programs that it runs there: what each may use at most. A
 * payload may ask for less.
 */
export interface ExecuteSpec {
  /** Demand that programs which nobody vouches for can be run: refused where no sandbox can be made. */
  readonly untrusted?: boolean;
  /** Which programs run in the sandbox: those whose payload says `untrusted`, or all. */
  readonly sandbox?: "requested" | "always";
  /** What makes it; `auto`: the strongest of `bubblewrap` and `landlock` that works where the worker runs. */
  readonly backEnd?: "auto" | "bubblewrap" | "landlock" | "broker";
  /** Path of the sandbox broker's socket where the worker runs, for `broker`; absolute. */
  readonly broker?: string;
  /** Protections that it may lack there. Without them such programs are refused. */
  readonly acceptUnenforced?: readonly Protection[];
  /** Folders beside the system's that programs may read and execute; absolute. */
  readonly readable?: readonly string[];
  /** Processes and threads of one program. */
  readonly processes?: number;
  readonly memory?: Size;
  /** Processor time, all processes of one program together. */
  readonly cpuTime?: Duration;
  /** From start to end. */
  readonly timeout?: Duration;
  /** Standard output and standard error together. */
  readonly output?: Size;
  /** What it writes to its scratch folder. */
  readonly disk?: Size;
}

/** Where handlers' secrets come from, beside those that the stack's config `taskfleet:secrets` holds. */
export interface SecretsSpec {
  /** `file:`, `aws:`, `gcp:` and `vault:` sources, the first that has a name counts. None by default. */
  readonly sources?: readonly string[];
  /** How often sources that can change are read again; files are watched beside that. */
  readonly refresh?: Duration;
}

export interface HttpSpec {
  /**
   * Hosts, as `host` or `host:port`, that the bundled handler `http` may call without TLS and at addresses that are not
   * public. Without a port: the scheme's own. None by default.
   */
  readonly allow?: readonly string[];
}

/**
 * How workers are confined. A target that cannot enforce a field that is written down refuses the spec,
 * unless `acceptUnenforced` names it; one that is left at its default is only reported.
 */
export interface SecuritySpec {
  /** User id of the worker; never 0. */
  readonly uid?: number;
  readonly readOnlyRoot?: boolean;
  readonly noNewPrivileges?: boolean;
  readonly dropCapabilities?: "all" | "none";
  readonly seccomp?: "runtime/default" | "unconfined";
  /** Most processes and threads of one worker. */
  readonly pids?: number;
  /** Memory limit of one worker. */
  readonly memory?: Size;
  /** CPUs of one worker. */
  readonly cpu?: number;
  /** Features that the spec demands and that this target may leave to the operator. */
  readonly acceptUnenforced?: readonly Confinement[];
}

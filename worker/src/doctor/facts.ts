/** What `taskfleet doctor` looks at, gathered once. Checks judge it and read nothing else. Times are ms since the epoch. */
import type { Stats } from "node:fs";
import type { QueueDepth } from "../adapters/redis/queue-status.ts";
import type { ReportedWorker } from "../adapters/redis/workers.ts";
import type { BackupNote } from "../backup/note.ts";

/** What could not be found out, and why, in words that follow "skipped: ". */
export interface Unknown {
  readonly unknown: string;
}

export interface Facts {
  readonly now: number;
  readonly redis: RedisFacts | Unknown;
  readonly queue: QueueFacts | Unknown;
  readonly fleet: FleetSettings;
  /** Processes of this fleet on this machine whose environment this user may read. */
  readonly processes: readonly FleetProcess[];
  /** Files that hold secrets, as those processes and this environment name them. */
  readonly secretFiles: readonly SecretFile[];
  /** Health addresses on this machine or of the API, and what they answered. */
  readonly endpoints: readonly Endpoint[];
  readonly database: DatabaseFacts;
  /** The newest report of `taskfleet loadtest` about this stream; `null` for none. */
  readonly loadTest: LoadTestFacts | null;
  /** What the fleet was told of its backups, and the newest report of a restore drill. */
  readonly backups: BackupFacts | Unknown;
  /** What Prometheus says of alerts; unknown where none is named. */
  readonly alerts: AlertFacts | Unknown;
  /** Errors among the last 50 lines of each log file; unknown without a log directory. */
  readonly logErrors: number | Unknown;
}

export interface RedisFacts {
  /** `host:port`. */
  readonly address: string;
  readonly loopback: boolean;
  readonly version: string;
  /** Whether a connection that names no password is refused. */
  readonly passwordRequired: boolean;
  readonly appendOnly: boolean;
  /** `noeviction` and its like. */
  readonly evictionPolicy: string;
  /** In bytes; 0: no limit. */
  readonly maxMemory: number;
  readonly results: ResultSample;
}

/** What is known of the stored results, from a sample of the keys. */
export interface ResultSample {
  /** Estimate of how many there are. */
  readonly stored: number;
  /** Mean size in bytes, keys and overhead included. */
  readonly meanBytes: number;
  /** When the oldest of the sample ended; `null` without any. */
  readonly oldestAt: number | null;
}

export interface QueueFacts {
  readonly stream: string;
  /** The server's clock. */
  readonly at: number;
  readonly depth: QueueDepth;
  readonly workers: readonly ReportedWorker[];
  /** The spawner that leads; `null` when none does. */
  readonly leader: string | null;
  /** Counters by field, see `worker/contract/stats-fields.ts`. */
  readonly stats: Readonly<Record<string, number>>;
}

/** Settings of the running fleet, in the units of the settings table. */
export interface FleetSettings {
  readonly lease: number;
  readonly sweepInterval: number;
  readonly gracefulShutdownTimeout: number;
  readonly resultTtl: number;
  /** `auto`: as `logJson` says. */
  readonly logFormat: string;
  readonly logJson: boolean;
  readonly poolSize: number;
  readonly poolOverflow: number;
  readonly retention: number;
  readonly apiRate: number;
  readonly apiRateWindow: number;
  /** Where they are from: `the running spawner (pid 7)`, `this environment`. */
  readonly source: string;
}

export interface FleetProcess {
  readonly pid: number;
  readonly role: "worker" | "supervisor" | "spawner" | "api";
  readonly environment: Readonly<Record<string, string>>;
}

export interface SecretFile {
  /** The variable that names it. */
  readonly variable: string;
  readonly path: string;
  /** Permission bits; `null`: no such file, or unreadable. */
  readonly mode: Stats["mode"] | null;
}

export interface Endpoint {
  /** `leader`, `worker w-1`, `api`. */
  readonly of: string;
  readonly address: string;
  /** Why it is not ready; `null`: it is. */
  readonly fault: string | null;
  /** Names of the metrics that it exports; empty when it exports none. */
  readonly metrics: readonly string[];
  /** Failures of the worker itself since its start; `null` for another role. */
  readonly workerErrors: number | null;
}

export type DatabaseFacts =
  | { readonly state: "none" }
  | {
      readonly state: "unreachable";
      readonly address: string;
      /** A sentence that names the address. */
      readonly why: string;
    }
  | {
      readonly state: "reachable";
      /** `host:port/database`. */
      readonly address: string;
      readonly loopback: boolean;
      readonly tls: boolean;
      /** Names of migrations that are not applied. */
      readonly pendingMigrations: readonly string[];
      /** The server's `max_connections`. */
      readonly maxConnections: number;
    };

export interface AlertRuleFacts {
  readonly name: string;
  readonly firing: boolean;
  /** Why it could not be evaluated; `null`: it was, or has not been yet. */
  readonly error: string | null;
}

export interface AlertFacts {
  /** Prometheus' address. */
  readonly address: string;
  /** Why it could not be asked; `null`: it was. */
  readonly fault: string | null;
  readonly rules: readonly AlertRuleFacts[];
  /** How many Alertmanagers it tells. */
  readonly receivers: number;
}

export interface BackupFacts extends BackupNote {
  readonly drill: { readonly at: number; readonly file: string; readonly passed: boolean } | null;
}

export interface LoadTestFacts {
  readonly at: number;
  readonly file: string;
  readonly passed: boolean;
}

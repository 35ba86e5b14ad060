import type { ControlName } from "../../worker/contract/controls.ts";
import type { SETTINGS, SettingName } from "../../worker/contract/settings.ts";

/**
 * Which setting of the worker image each field of the spec sets. Defaults, bounds and environment names all
 * follow from the setting, so none is typed here.
 */
export const WORKER_FIELDS = {
  preset: "preset",
  concurrency: "concurrency",
  batchSize: "batchSize",
  pollInterval: "pollInterval",
  idleExit: "idleExit",
  maxUptime: "maxUptime",
  gracefulShutdownTimeout: "gracefulShutdownTimeout",
  taskTimeout: "taskTimeout",
  cancelGrace: "cancelGrace",
} as const satisfies Record<string, SettingName>;

export const DELIVERY_FIELDS = {
  lease: "lease",
  sweepInterval: "sweepInterval",
  maxAttempts: "maxAttempts",
  maxDeliveries: "maxDeliveries",
  retryBase: "retryBase",
  retryMax: "retryMax",
  retryJitter: "retryJitter",
  resultTtl: "resultTtl",
  maxPayload: "maxPayloadBytes",
} as const satisfies Record<string, SettingName>;

export const RESULT_FIELDS = {
  results: "resultBackEnd",
} as const satisfies Record<string, SettingName>;

export const SCALING_FIELDS = {
  min: "scaleMin",
  max: "scaleMax",
  tasksPerWorker: "tasksPerWorker",
  interval: "scaleInterval",
  idleToZero: "idleToZero",
  warmPool: "warmPool",
  warmPoolWhenIdle: "warmPoolWhenIdle",
  leaderLease: "leaderLease",
} as const satisfies Record<string, SettingName>;

export const CIRCUIT_FIELDS = {
  failures: "circuitFailures",
  open: "circuitOpen",
} as const satisfies Record<string, SettingName>;

export const LOGGING_FIELDS = {
  level: "logLevel",
  json: "logJson",
} as const satisfies Record<string, SettingName>;

export const TRACING_FIELDS = {
  sample: "tracingSample",
} as const satisfies Record<string, SettingName>;

export const HISTORY_FIELDS = {
  max: "historyMax",
  keep: "historyKeep",
} as const satisfies Record<string, SettingName>;

export const SECRETS_FIELDS = {
  refresh: "secretRefresh",
} as const satisfies Record<string, SettingName>;

export const EXECUTE_FIELDS = {
  sandbox: "executeSandbox",
  backEnd: "executeBackEnd",
  processes: "executeProcesses",
  memory: "executeMemory",
  cpuTime: "executeCpuTime",
  timeout: "executeTimeout",
  output: "executeOutput",
  disk: "executeDisk",
} as const satisfies Record<string, SettingName>;

export const DATABASE_FIELDS = {
  poolSize: "poolSize",
  poolOverflow: "poolOverflow",
  poolTimeout: "poolTimeout",
  poolRecycle: "poolRecycle",
  poolPrePing: "poolPrePing",
  retention: "retention",
  retentionMode: "retentionMode",
  recordBuffer: "recordBuffer",
} as const satisfies Record<string, SettingName>;

export const BACKUP_FIELDS = {
  every: "backupEvery",
  keep: "backupKeep",
} as const satisfies Record<string, SettingName>;

export const API_FIELDS = {
  rate: "apiRate",
  window: "apiRateWindow",
  maxBody: "apiMaxBody",
} as const satisfies Record<string, SettingName>;

export const SESSION_FIELDS = {
  heartbeat: "sessionHeartbeat",
  idle: "sessionIdle",
  total: "sessionTotal",
  resume: "sessionResume",
  maxMessage: "sessionMaxMessage",
  buffer: "sessionBuffer",
  perClient: "sessionsPerClient",
  maxTasks: "sessionMaxTasks",
  maxEvents: "sessionMaxEvents",
} as const satisfies Record<string, SettingName>;

export const SECURITY_FIELDS = {
  uid: "uid",
  readOnlyRoot: "readOnlyRoot",
  noNewPrivileges: "noNewPrivileges",
  dropCapabilities: "dropCapabilities",
  seccomp: "seccomp",
  pids: "pids",
  memory: "memory",
  cpu: "cpu",
} as const satisfies Record<ControlName, SettingName>;

export type SettingFields = Readonly<Record<string, SettingName>>;

/** A setting's value after reading: seconds, bytes and counts are numbers. */
export type SettingValue<Name extends SettingName> = (typeof SETTINGS)[Name] extends {
  readonly type: "number" | "integer";
}
  ? number
  : (typeof SETTINGS)[Name] extends { readonly type: "switch" }
    ? boolean
    : (typeof SETTINGS)[Name] extends { readonly type: "choice"; readonly choices: readonly (infer Choice)[] }
      ? Choice
      : string;

/** A section of the spec with every field filled in. */
export type ResolvedSection<Fields extends SettingFields> = {
  readonly [Field in keyof Fields]: SettingValue<Fields[Field]>;
};

import { METRICS } from "../../worker/contract/metrics.ts";
import type { Check, CheckStatus } from "../../worker/src/doctor/check.ts";
import type { Endpoint, Facts, FleetProcess, QueueFacts, RedisFacts } from "../../worker/src/doctor/facts.ts";
import { reportOf } from "../support/queue.ts";

export const NOW = 1_800_000_000_000;
const NONE_WAITING = { high: 0, normal: 0, low: 0 };

export const REDIS: RedisFacts = {
  address: "redis.example:6379",
  loopback: false,
  version: "7.0.15",
  passwordRequired: true,
  appendOnly: true,
  evictionPolicy: "noeviction",
  maxMemory: 100 * 1024 ** 2,
  // 600 in 10 minutes: one a second.
  results: { stored: 600, meanBytes: 1_000, oldestAt: NOW - 600_000 },
};

export const QUEUE: QueueFacts = {
  stream: "peagen.tasks",
  at: NOW,
  depth: {
    ...{
      waiting: 3,
      waitingBy: { ...NONE_WAITING, normal: 3 },
      running: 2,
      delayed: 1,
      due: 0,
      deadLetters: 0,
    },
    ...{ parked: 0, parkedBy: {}, paused: false, oldestIdleMs: 1_500 },
  },
  workers: [{ ...reportOf("w-1", { started_at: NOW - 120_000 }), seen_at: NOW - 1_000, holding: 2 }],
  leader: "spawner-a",
  stats: { "runtime:execute:execute:success:7": 99, "runtime:execute:execute:success:10": 1 },
};

export const LEADER: Endpoint = {
  of: "leader",
  address: "http://127.0.0.1:9101",
  fault: null,
  metrics: Object.values(METRICS).map(({ name }) => name),
  workerErrors: null,
};
export const WORKER: Endpoint = {
  of: "worker w-1",
  address: "http://127.0.0.1:9201",
  fault: null,
  metrics: [METRICS.workerErrors.name],
  workerErrors: 0,
};
export const API: FleetProcess = { pid: 12, role: "api", environment: {} };

export const DATABASE = {
  state: "reachable",
  address: "db.example:5432/record",
  loopback: false,
  tls: true,
  pendingMigrations: [],
  maxConnections: 100,
} as const;

/** A fleet in which every check that can be judged is ok. */
export const SOUND: Facts = {
  now: NOW,
  redis: REDIS,
  queue: QUEUE,
  fleet: {
    ...{
      lease: 45,
      sweepInterval: 15,
      gracefulShutdownTimeout: 300,
      resultTtl: 3600,
      logJson: true,
      logFormat: "auto",
    },
    ...{ poolSize: 10, poolOverflow: 20, retention: 2_592_000, apiRate: 100, apiRateWindow: 60 },
    source: "as spawner 7 has it",
  },
  processes: [{ pid: 7, role: "spawner", environment: { REDIS_URL: "redis://redis.example:6379" } }, API],
  secretFiles: [{ variable: "REDIS_PASSWORD_FILE", path: "/secrets/redis", mode: 0o600 }],
  endpoints: [LEADER, WORKER],
  database: DATABASE,
  loadTest: { at: NOW - 3_600_000, file: ".var/reports/loadtest-20270115T070000Z.json", passed: true },
  backups: {
    ...{ lastSuccess: NOW - 3_600_000, name: "20270115T070000Z", lastFailure: null, error: null },
    drill: { at: NOW - 86_400_000, file: ".var/reports/restore-drill-20270114T080000Z.json", passed: true },
  },
  alerts: {
    ...{ address: "http://127.0.0.1:9090", fault: null, receivers: 1 },
    rules: [{ name: "QueueDepthHigh", firing: false, error: null }],
  },
  logErrors: 0,
};

/** The status that a check gives, and what it says. */
export function found(check: Check, facts: Facts): [CheckStatus, string] {
  const finding = check.run(facts);
  return [finding.status, finding.detail];
}

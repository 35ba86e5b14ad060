import assert from "node:assert/strict";
import type { Check, CheckStatus } from "../../worker/src/doctor/check.ts";
import { CHECKS } from "../../worker/src/doctor/checks.ts";
import type {
  AlertFacts,
  BackupFacts,
  Facts,
  FleetSettings,
  QueueFacts,
  RedisFacts,
} from "../../worker/src/doctor/facts.ts";
import { API, DATABASE, found, LEADER, NOW, QUEUE, REDIS, SOUND, WORKER } from "./facts.ts";

const DAY_MS = 86_400_000;
const redis = (more: Partial<RedisFacts>): Facts => ({ ...SOUND, redis: { ...REDIS, ...more } });
const queue = (more: Partial<QueueFacts>): Facts => ({ ...SOUND, queue: { ...QUEUE, ...more } });
const depth = (more: Partial<QueueFacts["depth"]>) => queue({ depth: { ...QUEUE.depth, ...more } });
const fleet = (more: Partial<FleetSettings>): Facts => ({ ...SOUND, fleet: { ...SOUND.fleet, ...more } });
const database = (
  more: Partial<typeof DATABASE | { tls: boolean; loopback: boolean; pendingMigrations: string[] }>,
) => ({ ...SOUND, database: { ...DATABASE, ...more } }) as Facts;
const backedUp = (more: Partial<BackupFacts>): Facts => ({
  ...SOUND,
  backups: { ...(SOUND.backups as BackupFacts), ...more },
});
const alertsAre = (more: Partial<AlertFacts>): Facts => ({
  ...SOUND,
  alerts: { ...(SOUND.alerts as AlertFacts), ...more },
});
const noDatabase: Facts = { ...SOUND, database: { state: "none" } };
const lost: Facts = {
  ...SOUND,
  database: {
    state: "unreachable",
    address: "db:5432/r",
    why: "cannot use PostgreSQL at db:5432/r: refused",
  },
};
const noRedis: Facts = { ...SOUND, redis: { unknown: "no Redis" }, queue: { unknown: "no Redis" } };
const silent = QUEUE.workers.map((worker) => ({ ...worker, seen_at: NOW - 45_001 }));
const results = (more: Partial<RedisFacts["results"]>) => redis({ results: { ...REDIS.results, ...more } });

/** One broken fact a line: what the check says of it. */
const CASES: Readonly<Record<string, readonly (readonly [Facts, CheckStatus, RegExp])[]>> = {
  migrations: [
    [database({ pendingMigrations: ["0002_archive"] }), "failed", /^1 migration to apply: 0002_archive$/],
    [noDatabase, "skipped", /^no database is configured$/],
    [lost, "skipped", /^the database at db:5432\/r does not answer$/],
  ],
  "database-ssl": [
    [database({ tls: false }), "failed", /^the connection to db\.example:5432\/record is not encrypted$/],
    [database({ tls: false, loopback: true }), "ok", /loopback: nothing leaves it/],
  ],
  redis: [
    [redis({ passwordRequired: false }), "failed", /has no password$/],
    [redis({ appendOnly: false }), "failed", /has no append-only file$/],
    [noRedis, "skipped", /^no Redis$/],
  ],
  pooling: [
    [fleet({ poolSize: 77, poolOverflow: 20 }), "ok", /^a pool of 77 and 20 at a peak, of 100 connections$/],
    [fleet({ poolSize: 78, poolOverflow: 20 }), "failed", /allows 100, 3 of them for administrators$/],
  ],
  "graceful-timeout": [
    [fleet({ gracefulShutdownTimeout: 0 }), "failed", /^running tasks are cut off at once/],
  ],
  health: [
    [
      { ...SOUND, endpoints: [LEADER, { ...WORKER, fault: "answers 503" }] },
      "failed",
      /^not ready: worker w-1 at http:\/\/127\.0\.0\.1:9201 \(answers 503\)$/,
    ],
    [{ ...SOUND, endpoints: [] }, "skipped", /^no process of this fleet has a health address/],
  ],
  logging: [
    [fleet({ logJson: false }), "failed", /^logs are text for people/],
    [fleet({ logFormat: "people" }), "failed", /^logs are text for people/],
    [fleet({ logFormat: "logfmt", logJson: false }), "ok", /^logs are logfmt/],
  ],
  metrics: [
    [
      {
        ...SOUND,
        endpoints: [{ ...LEADER, metrics: LEADER.metrics.filter((name) => name !== "workers_live") }],
      },
      "failed",
      /\/metrics lacks workers_live$/,
    ],
    // Those of the record only where there is one.
    [
      {
        ...SOUND,
        endpoints: [{ ...LEADER, metrics: LEADER.metrics.filter((name) => name !== "record_lag_seconds") }],
      },
      "failed",
      /\/metrics lacks record_lag_seconds$/,
    ],
    [
      {
        ...SOUND,
        database: { state: "none" },
        endpoints: [{ ...LEADER, metrics: LEADER.metrics.filter((name) => !name.startsWith("record_")) }],
      },
      "ok",
      /metrics of the queue at/,
    ],
    [queue({ leader: null }), "failed", /^no spawner leads/],
    [{ ...SOUND, endpoints: [WORKER] }, "skipped", /^the leader spawner-a cannot be asked from here$/],
  ],
  alerts: [
    [
      alertsAre({}),
      "ok",
      /^1 alert rules at http:\/\/127\.0\.0\.1:9090, none fires; they go to 1 Alertmanager$/,
    ],
    [alertsAre({ fault: "ECONNREFUSED" }), "failed", /^Prometheus at http:\S+: ECONNREFUSED$/],
    [alertsAre({ rules: [] }), "failed", /has no alert rules$/],
    [
      alertsAre({ rules: [{ name: "NoLeader", firing: false, error: "many-to-many" }] }),
      "failed",
      /cannot evaluate NoLeader: many-to-many$/,
    ],
    [
      alertsAre({ rules: [{ name: "NoLeader", firing: true, error: null }], receivers: 0 }),
      "warn",
      /; firing: NoLeader$/,
    ],
    [alertsAre({ receivers: 0 }), "warn", /they are told to nobody$/],
    [{ ...SOUND, alerts: { unknown: "nothing is known" } }, "skipped", /^nothing is known$/],
  ],
  secrets: [
    [
      { ...SOUND, processes: [{ ...API, environment: { DATABASE_URL: "postgresql://a:hidden@db/r" } }] },
      "failed",
      /^api 12 has DATABASE_URL as plain text$/,
    ],
    [
      { ...SOUND, processes: [{ ...API, environment: { REDIS_URL: "redis://:hidden@r:6379" } }] },
      "failed",
      /^api 12 has REDIS_URL as plain text$/,
    ],
    [
      { ...SOUND, secretFiles: [{ variable: "REDIS_PASSWORD_FILE", path: "/s/redis", mode: 0o640 }] },
      "failed",
      /^REDIS_PASSWORD_FILE: \/s\/redis has mode 0640$/,
    ],
    [{ ...SOUND, processes: [], secretFiles: [] }, "skipped", /^no process of this fleet runs here/],
  ],
  backups: [
    [backedUp({ lastSuccess: null, name: null }), "failed", /^no backup was ever made$/],
    [
      backedUp({ lastSuccess: null, lastFailure: NOW - 1_000, error: "no room" }),
      "failed",
      /^no backup was ever made; the last try failed 1\.0 s ago: no room$/,
    ],
    [
      backedUp({ lastSuccess: NOW - 2 * DAY_MS }),
      "ok",
      /^the last backup, 20270115T070000Z, is of 2 d 00 h ago; a restore/,
    ],
    [
      backedUp({ lastSuccess: NOW - 2 * DAY_MS - 1 }),
      "failed",
      /^the last backup, 20270115T070000Z, is of 2 d 00 h ago$/,
    ],
    [backedUp({ drill: null }), "warn", /; no report says that one was restored$/],
    [backedUp({ drill: { at: NOW, file: "f", passed: false } }), "failed", /; f says that a restore failed$/],
    [
      backedUp({ drill: { at: NOW - 90 * DAY_MS - 1, file: "f", passed: true } }),
      "warn",
      /; the last restore drill is of 90 d 00 h ago, 90 days are allowed$/,
    ],
    [{ ...SOUND, backups: { unknown: "no Redis" } }, "skipped", /^no Redis$/],
  ],
  cleanup: [
    [fleet({ retention: 0 }), "failed", /^runs are kept for ever/],
    [noDatabase, "skipped", /^no database is configured$/],
  ],
  "rate-limiting": [
    [fleet({ apiRate: 0 }), "failed", /^any number of pushes is let through/],
    [{ ...SOUND, processes: [] }, "skipped", /^no API of this fleet runs here/],
  ],
  "load-testing": [
    [{ ...SOUND, loadTest: null }, "failed", /^no report/],
    [
      { ...SOUND, loadTest: { at: NOW - 90 * DAY_MS, file: "f", passed: true } },
      "ok",
      /^passed 90 d 00 h ago, f$/,
    ],
    [
      { ...SOUND, loadTest: { at: NOW - 90 * DAY_MS - 1, file: "f", passed: true } },
      "failed",
      /90 days are allowed$/,
    ],
    [
      { ...SOUND, loadTest: { at: NOW, file: "f", passed: false } },
      "failed",
      /^f says that the last load test failed$/,
    ],
  ],
  workers: [
    [queue({ workers: silent }), "failed", /^no live worker, 3 tasks waiting, spawner-a leads$/],
    [
      queue({ workers: [...QUEUE.workers, ...silent] }),
      "warn",
      /^1 live worker, 1 silent for more than the lease of 45 s$/,
    ],
    [queue({ workers: [], depth: { ...QUEUE.depth, waiting: 0 } }), "ok", /^none, and nothing waits/],
    [
      queue({ workers: [], leader: null, depth: { ...QUEUE.depth, waiting: 0 } }),
      "failed",
      /no spawner leads$/,
    ],
  ],
  "worker-errors": [
    // Up for two minutes.
    [
      { ...SOUND, endpoints: [{ ...WORKER, workerErrors: 21 }] },
      "failed",
      /^a worker has 10\.5 errors a minute/,
    ],
    [{ ...SOUND, endpoints: [{ ...WORKER, workerErrors: 20 }] }, "warn", /^20 errors of live workers, 0 in/],
    [{ ...SOUND, logErrors: 2 }, "warn", /^0 errors of live workers, 2 in the last lines of the logs$/],
    [{ ...SOUND, endpoints: [], logErrors: { unknown: "no logs" } }, "skipped", /, and no logs$/],
  ],
  backlog: [
    [
      depth({ waiting: 100 }),
      "ok",
      /^100 tasks waiting, the oldest for 1\.5 s, 0 parked, 2 running, 0 dead letters$/,
    ],
    [depth({ waiting: 90, due: 11 }), "failed", /^101 tasks waiting.*; 100 waiting are allowed$/],
    [depth({ paused: true }), "warn", /^the queue is paused/],
    [depth({ deadLetters: 1 }), "warn", /1 dead letter$/],
  ],
  connectivity: [
    [noRedis, "failed", /^no Redis$/],
    [lost, "failed", /^cannot use PostgreSQL at db:5432\/r: refused$/],
    [noDatabase, "ok", /^Redis 7\.0\.15 at redis\.example:6379, no database is configured$/],
  ],
  eviction: [
    [redis({ evictionPolicy: "allkeys-lru" }), "failed", /^maxmemory-policy allkeys-lru throws away tasks/],
  ],
  "append-only": [[redis({ appendOnly: false }), "failed", /^appendonly no/]],
  password: [[redis({ passwordRequired: false }), "failed", /answers without one/]],
  "retention-memory": [
    // 1 a second, for an hour, of 14,563.6 bytes is half of 100 MiB.
    [
      results({ meanBytes: 14_563 }),
      "ok",
      /^1\.0 results a second of 14563 bytes for 1 h 00 m are 50 MiB of 100 MiB$/,
    ],
    [results({ meanBytes: 14_564 }), "failed", /more than half of 100 MiB$/],
    [results({ stored: 60, oldestAt: NOW - 1 }), "ok", /^1\.0 results a second/],
    [redis({ maxMemory: 0 }), "warn", /Redis has no limit$/],
    [results({ oldestAt: null }), "skipped", /^there are no results yet/],
  ],
  "grace-period": [
    [
      queue({ stats: { "runtime:k:h:success:14": 1 } }),
      "ok",
      /^p99 of run times 4 m 58 s, grace period 5 m 00 s/,
    ],
    [
      queue({ stats: { "runtime:k:h:success:15": 1 } }),
      "failed",
      /^p99 of run times 9 m 57 s, grace period 5 m 00 s/,
    ],
    [queue({ stats: { "runtime:k:h:error:18": 1 } }), "failed", /^p99 of run times over 1 h 00 m/],
    [queue({ stats: { late: 1 } }), "skipped", /^no task has run yet$/],
  ],
  "sweep-interval": [
    [fleet({ sweepInterval: 14.9 }), "failed", /^sweep every 14\.9 s, heartbeat every 15 s/],
    [fleet({ lease: 10, sweepInterval: 3.333 }), "ok", /^sweep every 3\.333 s, heartbeat every 3\.333 s/],
  ],
};
/** Lines that nothing can be found out about yet. */
const ALWAYS_SKIPPED = ["network-policies"];

describe("checks of doctor", () => {
  for (const check of CHECKS) {
    it(`${check.id}: ${check.title}`, () => {
      const [status] = found(check, SOUND);
      assert.equal(status, ALWAYS_SKIPPED.includes(check.id) ? "skipped" : "ok");
      for (const [facts, expected, detail] of CASES[check.id] ?? []) {
        const [given, words] = found(check, facts);
        assert.equal(given, expected, words);
        assert.match(words, detail);
      }
    });
  }

  it("has a broken fact for every check that can fail", () => {
    const ids = CHECKS.map(({ id }) => id).filter((id) => !ALWAYS_SKIPPED.includes(id));
    assert.deepEqual(ids.toSorted(), Object.keys(CASES).toSorted());
    for (const id of ids)
      assert.ok(
        CASES[id]?.some(([, status]) => status === "failed"),
        id,
      );
  });

  it("goes through agentexec's checklist in its order and its words", () => {
    const titles = CHECKS.filter(({ source }: Check) => source === "production checklist").map(
      ({ title }) => title,
    );
    assert.deepEqual(titles, [
      "Alembic migrations configured for agentexec tables",
      "PostgreSQL with SSL enabled",
      "Redis with password and persistence",
      "Connection pooling configured",
      "Graceful shutdown timeout set",
      "Health endpoints implemented",
      "Structured logging configured",
      "Metrics exported",
      "Alerts configured",
      "Secrets in secure storage",
      "Database backups automated",
      "Cleanup jobs scheduled",
      "Rate limiting enabled",
      "Network policies configured",
      "Load testing completed",
    ]);
  });

  it("never shows a secret that it found", () => {
    const environment = { DATABASE_URL: "postgresql://a:hidden@db/r", REDIS_PASSWORD: "hidden" };
    const facts: Facts = { ...SOUND, processes: [{ ...API, environment }] };
    assert.ok(!JSON.stringify(CHECKS.map((check) => check.run(facts))).includes("hidden"));
  });
});

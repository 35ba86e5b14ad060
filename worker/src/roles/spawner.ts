/**
 * The role that looks after a queue: takes lost tasks back, starts due ones, scales the workers, counts. Several
 * may run; one leads.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import { EXIT } from "../../contract/exit-codes.ts";
import type { PublishedKind } from "../../contract/records.ts";
import type { BacklogPolicy } from "../../contract/scaling.ts";
import { openStore } from "../adapters/postgres/open-store.ts";
import { ProcessActuator } from "../adapters/processes/process-actuator.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import type { Settings } from "../config/load-settings.ts";
import { openStart, requireAll } from "../config/open-start.ts";
import type { Handler } from "../handler.ts";
import { loadHandlers } from "../handlers/load-handlers.ts";
import { HealthServer } from "../http/health-server.ts";
import { redisReadiness } from "../http/redis-readiness.ts";
import { logOptions } from "../logging/log-options.ts";
import { createLogger, type Logger } from "../logging/logger.ts";
import { reportSecrets } from "../logging/report-secrets.ts";
import type { Actuator } from "../ports/actuator.ts";
import type { LedRecord } from "../recorder/open-record.ts";
import { currentSetting } from "../secrets/open-secrets.ts";
import { SPAWNER_EVENTS } from "../spawner/events.ts";
import { FailureLog } from "../spawner/failure-log.ts";
import { SpawnerMetrics } from "../spawner/metrics.ts";
import { Spawner } from "../spawner/spawner.ts";
import { kindLimits } from "./kind-limits.ts";
import { stopSignal } from "./stop-signal.ts";

type SpawnerSettings = Settings<"spawner">;

/**
 * Runs until SIGTERM or SIGINT and returns the exit code. Workers outlive it.
 * @throws SettingsError, SecretsError, HandlersError, StartError, HealthServerError before anything is started.
 */
export async function runSpawner(env: NodeJS.ProcessEnv): Promise<number> {
  const { settings, secrets: source } = await openStart(env, "spawner");
  const secrets = () => source.values();
  const holder = `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`;
  const logger = await createLogger({ name: "spawner", ...logOptions(settings), secrets });
  reportSecrets(source, logger);
  const load = () => loadHandlers({ folder: settings.handlers });
  // The workers that it starts have what it has; others bring their own.
  const handlers = settings.actuator === "process" ? await requireAll(source, load) : await load();
  const kinds = [...handlers.values()].map(publishedKind);
  const limits = kindLimits(settings, handlers, logger);
  const failures = new FailureLog(logger, () => performance.now());
  // Every command fails within seconds, so that no loop hangs while Redis is away.
  const secretOf = (name: "redisPassword" | "databaseUrl" | "pgPassword") =>
    currentSetting(source, settings, name);
  const password = () => secretOf("redisPassword");
  const redis = createConnection({ url: settings.redisUrl, password, profile: "client", name: holder });

  const record = await openRecord(settings, redis, logger, secretOf);

  const spawner = new Spawner({
    ...spawnerFigures(settings),
    ...{ redis, holder, kinds, limits, logger, failures, ...(record && { record }) },
    actuator: chooseActuator(settings, env),
    address: () => server.address,
  });
  const metrics = new SpawnerMetrics({
    leads: () => spawner.leads,
    snapshot: () => spawner.snapshot(),
    ...(record && { record: () => record.metrics() }),
    failures,
  });
  const server: HealthServer = new HealthServer({
    host: settings.httpHost,
    port: settings.httpPort,
    metrics: () => metrics.render(),
    ready: async () => [
      ...(await redisReadiness(redis)),
      ...(spawner.leads ? (record?.problems() ?? []) : []),
    ],
    secrets,
  });
  await server.start();
  logger.info({ address: server.address, holder, actuator: settings.actuator }, SPAWNER_EVENTS.starting);
  await spawner.run(stopSignal((signal) => logger.info({ signal }, SPAWNER_EVENTS.signal)));
  await server.stop();
  source.stop();
  await record?.close();
  redis.disconnect();
  logger.info({ graceful: true }, SPAWNER_EVENTS.stopped);
  return EXIT.ok;
}

/** The record, where the settings name a database. */
async function openRecord(
  settings: SpawnerSettings,
  redis: Redis,
  logger: Logger,
  secretOf: (name: "databaseUrl" | "pgPassword") => string,
): Promise<LedRecord | undefined> {
  const { stream } = spawnerFigures(settings);
  const store = await openStore(settings, "taskfleet spawner", secretOf);
  if (store === undefined) return undefined;
  const { ledRecord } = await import("../recorder/open-record.ts");
  return ledRecord({ settings, redis, stream, store, logger });
}

/** What a push needs to know of a handler. */
function publishedKind({ kind, version, description, payload }: Handler): PublishedKind {
  return { kind, version, description, payload };
}

function spawnerFigures(settings: SpawnerSettings) {
  const [stream] = settings.streams;
  if (stream === undefined) throw new Error("TASKFLEET_QUEUE_NAME is checked to name a stream");
  return {
    stream,
    policy: scalingPolicy(settings),
    revision: settings.revision,
    maxDeliveries: settings.maxDeliveries,
    scaleIntervalMs: settings.scaleInterval * 1000,
    leaseMs: settings.lease * 1000,
    sweepIntervalMs: settings.sweepInterval * 1000,
    leaderLeaseMs: settings.leaderLease * 1000,
    resultDirectory: settings.resultDirectory,
    resultTtlMs: settings.resultTtl * 1000,
  };
}

function scalingPolicy(settings: SpawnerSettings): BacklogPolicy {
  return {
    min: settings.scaleMin,
    max: settings.scaleMax,
    tasksPerWorker: settings.tasksPerWorker,
    warmPool: settings.warmPool,
    warmPoolWhenIdle: settings.warmPoolWhenIdle,
    idleToZeroSeconds: settings.idleToZero,
  };
}

function chooseActuator(settings: SpawnerSettings, env: NodeJS.ProcessEnv): Actuator | null {
  if (settings.actuator === "none") return null;
  const { runDirectory, logDirectory, revision } = settings;
  const [, main] = process.argv;
  if (main === undefined) throw new Error("a spawner is started by the worker image's entry file");
  return new ProcessActuator({ runDirectory, logDirectory, revision, main, env });
}

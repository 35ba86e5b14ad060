/** The role that makes backups: one process, apart from all others, for it alone may read the whole record. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { EXIT } from "../../contract/exit-codes.ts";
import { METRICS } from "../../contract/metrics.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import { BackupError } from "../backup/backup-error.ts";
import { listBackups, pruneBackups } from "../backup/catalog.ts";
import { createBackup } from "../backup/create.ts";
import { createOptions, recordLeftOut } from "../backup/create-options.ts";
import { BACKUP_EVENTS } from "../backup/events.ts";
import { noteFailure, noteSuccess } from "../backup/note.ts";
import { Programs } from "../backup/programs.ts";
import { type BackupCounts, BackupUpkeep } from "../backup/upkeep.ts";
import { loadSettings, type Settings } from "../config/load-settings.ts";
import { HealthServer } from "../http/health-server.ts";
import { redisReadiness } from "../http/redis-readiness.ts";
import { logOptions } from "../logging/log-options.ts";
import { createLogger, type Logger } from "../logging/logger.ts";
import { reportSecrets } from "../logging/report-secrets.ts";
import { currentSetting, openSecrets } from "../secrets/open-secrets.ts";
import { FailureLog } from "../spawner/failure-log.ts";
import { repeat } from "../spawner/repeat.ts";

/**
 * Runs until SIGTERM or SIGINT; a backup that is being made then is taken away. Returns the exit code.
 * @throws SettingsError, SecretsError, BackupError, HealthServerError before anything is made.
 */
export async function runBackups(env: NodeJS.ProcessEnv): Promise<number> {
  const { settings, secrets: source } = await openSecrets(env, loadSettings(env, "backup"), "backup");
  const leftOut = recordLeftOut(settings, env);
  if (leftOut !== undefined) throw new BackupError(leftOut);
  const secrets = () => source.values();
  const logger = await createLogger({ name: "backup", ...logOptions(settings), secrets });
  reportSecrets(source, logger);
  // What may rotate is asked for again by each backup, and by each new connection.
  const password = () => currentSetting(source, settings, "redisPassword");
  const current = (): Settings<"backup"> => ({
    ...settings,
    redisPassword: password(),
    databaseBackupUrl: currentSetting(source, settings, "databaseBackupUrl"),
  });
  const upkeep = upkeepOf(settings, current, logger);
  const { redisUrl: url } = settings;
  const redis = createConnection({
    url,
    password,
    profile: "client",
    name: "taskfleet-backup",
    queue: settings.streams[0] ?? "",
  });
  redis.connect().catch(() => {});
  const server = new HealthServer({
    host: settings.httpHost,
    port: settings.httpPort,
    metrics: () => render(registry, upkeep.counts),
    ready: () => redisReadiness(redis),
    secrets,
  });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  await server.start();
  const { backupDirectory: directory, backupEvery: every, backupKeep: keep } = settings;
  logger.info({ address: server.address, directory, every, keep }, BACKUP_EVENTS.starting);
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      logger.info({ signal: name }, BACKUP_EVENTS.signal);
      stop.abort(new BackupError("interrupted"));
    });
  await repeat(upkeep, stop.signal, new FailureLog(logger, () => performance.now()));
  await server.stop();
  source.stop();
  redis.disconnect();
  logger.info({ graceful: true }, BACKUP_EVENTS.stopped);
  return EXIT.ok;
}

function upkeepOf(
  settings: Settings<"backup">,
  current: () => Settings<"backup">,
  logger: Logger,
): BackupUpkeep {
  const { backupDirectory: directory, backupKeep: keep, backupEvery, backupPrograms } = settings;
  return new BackupUpkeep({
    everyMs: backupEvery * 1000,
    newest: async () => {
      const now = Date.now();
      // One of the future, by a clock that was wrong, must not keep others from being made.
      return (await listBackups(directory)).find(({ manifest, at }) => manifest !== undefined && at <= now)
        ?.at;
    },
    create: async (signal) => {
      const programs = new Programs(backupPrograms);
      return (await createBackup(createOptions(current(), programs, signal))).manifest;
    },
    prune: () => pruneBackups(directory, keep),
    note: {
      success: (manifest) => noteSuccess(current(), manifest),
      failure: (error) => noteFailure(current(), error, Date.now()),
    },
    now: Date.now,
    logger,
  });
}

/** Prometheus' text format. */
async function render(registry: Registry, { success, failure, lastSuccess }: BackupCounts): Promise<string> {
  const own = new Registry();
  const { backups, backupLastSuccess } = METRICS;
  const ends = new Counter({
    ...{ name: backups.name, help: backups.help, labelNames: backups.labels, registers: [own] },
  });
  ends.inc({ outcome: "success" }, success);
  ends.inc({ outcome: "failure" }, failure);
  const last = new Gauge({
    ...{ name: backupLastSuccess.name, help: backupLastSuccess.help, registers: [own] },
  });
  last.set((lastSuccess ?? 0) / 1000);
  return (await registry.metrics()) + (await own.metrics());
}

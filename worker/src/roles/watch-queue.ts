/**
 * The role that acts for the spawner on Compose: it starts and removes the workers' containers. The only one with the
 * engine's socket; it runs no handlers and knows no secret but Redis' password.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { collectDefaultMetrics, Registry } from "prom-client";
import { EXIT } from "../../contract/exit-codes.ts";
import { parseWatchedServices } from "../../contract/watched-services.ts";
import { ComposeProject } from "../adapters/compose/compose-project.ts";
import { Engine } from "../adapters/compose/engine.ts";
import { followEvents } from "../adapters/compose/engine-events.ts";
import { composeEnvironment, dockerEnvironment } from "../adapters/compose/run-command.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import { loadSettings } from "../config/load-settings.ts";
import { HealthServer } from "../http/health-server.ts";
import { redisReadiness } from "../http/redis-readiness.ts";
import { logOptions } from "../logging/log-options.ts";
import { createLogger } from "../logging/logger.ts";
import { reportSecrets } from "../logging/report-secrets.ts";
import { currentSetting, openSecrets } from "../secrets/open-secrets.ts";
import { printFamilies } from "../spawner/metrics.ts";
import { WATCH_EVENTS } from "../watcher/events.ts";
import { watchFamilies } from "../watcher/metrics.ts";
import { Watched } from "../watcher/watched.ts";
import { stopSignal } from "./stop-signal.ts";

/**
 * Runs until SIGTERM or SIGINT and returns the exit code. Containers outlive it.
 * @throws SettingsError, SecretsError, HealthServerError before anything is started.
 */
export async function runWatchQueue(env: NodeJS.ProcessEnv): Promise<number> {
  const { settings, secrets: source } = await openSecrets(env, loadSettings(env, "watch"), "watch");
  const secrets = () => source.values();
  const logger = await createLogger({ name: "watch-queue", ...logOptions(settings), secrets });
  reportSecrets(source, logger);
  const holder = `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`;
  const password = () => currentSetting(source, settings, "redisPassword");
  const redis = createConnection({ url: settings.redisUrl, password, profile: "client", name: holder });
  const { watchProject: project, watchDirectory: directory, watchCompose: command } = settings;
  const engine = new Engine(project, dockerEnvironment(env));
  const compose = new ComposeProject({ project, directory, command, env: composeEnvironment(env) });
  const { services } = parseWatchedServices(settings.watch);
  const watched = services.map(
    ({ service, stream }) =>
      new Watched({
        ...{ service, stream, redis, engine, project: compose, holder },
        logger: logger.child({ service }),
        intervalMs: settings.watchInterval * 1000,
        leaseMs: settings.lease * 1000,
        leaderLeaseMs: settings.leaderLease * 1000,
      }),
  );
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const server = new HealthServer({
    host: settings.httpHost,
    port: settings.httpPort,
    metrics: async () =>
      (await printFamilies(watchFamilies(watched.map((one) => one.state())))) + (await registry.metrics()),
    ready: async () => [...(await redisReadiness(redis)), ...watched.flatMap((one) => one.problems())],
    secrets,
  });
  await server.start();
  logger.info({ address: server.address, holder, project, directory, services }, WATCH_EVENTS.starting);
  const stop = stopSignal((signal) => logger.info({ signal }, WATCH_EVENTS.signal));
  const events = followEvents(
    {
      ...{ project, env: dockerEnvironment(env) },
      heard: (event) => {
        for (const one of watched) one.heard(event);
      },
      lasts: () => {
        for (const one of watched) one.eventsLast();
      },
      failed: (error) => {
        for (const one of watched) one.eventsFailed(error);
      },
    },
    stop,
  );
  await Promise.all([events, ...watched.map((one) => one.run(stop))]);
  await server.stop();
  source.stop();
  redis.disconnect();
  logger.info({ graceful: true }, WATCH_EVENTS.stopped);
  return EXIT.ok;
}

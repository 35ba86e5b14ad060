/** The role `api`: the fleet's front door. Several may run; they share keys and rate limits through Redis. */
import type { Redis } from "ioredis";
import { EXIT } from "../../contract/exit-codes.ts";
import { openStore } from "../adapters/postgres/open-store.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import { demandReplica, durabilityOf } from "../adapters/redis/replica-wait.ts";
import { API_EVENTS } from "../api/events.ts";
import { ApiListenError } from "../api/listen-error.ts";
import { apiParts } from "../api/parts.ts";
import { loadSettings } from "../config/load-settings.ts";
import { RedisUnavailableError } from "../core/errors.ts";
import { logOptions } from "../logging/log-options.ts";
import { createLogger } from "../logging/logger.ts";
import { redactor } from "../logging/redact.ts";
import { reportSecrets } from "../logging/report-secrets.ts";
import { currentSetting, openSecrets } from "../secrets/open-secrets.ts";
import { openTracing } from "../tracing/open-tracing.ts";
import { openSide } from "./api-side.ts";
import { stopSignal } from "./stop-signal.ts";

/** Requests that run at the end may take so long to finish. */
const FINISH_MS = 30_000;

/** A fleet that cannot have what it asks for is told so now; Redis itself need not be there yet. */
async function demandReplicaNow(redis: Redis, queue: string): Promise<void> {
  try {
    await demandReplica(redis, queue);
  } catch (error) {
    if (error instanceof RedisUnavailableError) return;
    redis.disconnect();
    throw error;
  }
}

/**
 * Runs until SIGTERM or SIGINT, then finishes the requests that it has. Returns the exit code. Redis and the
 * database need not be there at the start: `/health/ready` says so until they are.
 * @throws SettingsError, SecretsError, NoReplicaError, ApiListenError, HealthServerError before it serves.
 */
export async function runApi(env: NodeJS.ProcessEnv): Promise<number> {
  const { settings, secrets: source } = await openSecrets(env, loadSettings(env, "api"), "api");
  const secrets = () => source.values();
  const secretOf = (name: "redisPassword" | "databaseUrl" | "pgPassword") =>
    currentSetting(source, settings, name);
  const password = () => secretOf("redisPassword");
  const logger = await createLogger({ name: "api", ...logOptions(settings), secrets });
  reportSecrets(source, logger);
  const { buildApi } = await import("../api/server.ts");
  const stopping = stopSignal((signal) => logger.info({ signal }, API_EVENTS.signal));
  const { redisUrl: url, streams } = settings;
  const queue = streams[0] ?? "";
  const connect = (profile: "client" | "subscriber") =>
    createConnection({ url, password, profile, name: `taskfleet-api-${profile}`, queue });
  const redis = connect("client");
  const replicated = durabilityOf(settings) !== undefined;
  const pushing = replicated ? connect("client") : redis;
  if (replicated) await demandReplicaNow(redis, queue);
  redis.connect().catch(() => {});
  // Many waits may listen at once; it connects with the first.
  const subscriber = connect("subscriber").setMaxListeners(0);
  const tracing = await openTracing({ settings, role: "api", logger, redact: redactor(secrets) });
  const store = await openStore(settings, "taskfleet api", secretOf);
  const runs = store ?? null;
  const connections = { redis, pushing, subscriber: () => subscriber, secrets };
  const parts = apiParts({ settings, logger, runs, stopping, tracing, ...connections });
  const app = await buildApi(parts);
  const { apiHost: host, apiPort: port } = settings;
  const address = await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw new ApiListenError(host, port, error);
  });
  const side = await openSide(parts, address);
  logger.info({ address, metrics: side.address, streams }, API_EVENTS.starting);
  if (!stopping.aborted) await new Promise((resolve) => stopping.addEventListener("abort", resolve));
  const graceful = await Promise.race([
    app.close().then(() => true),
    new Promise<false>((resolve) => setTimeout(resolve, FINISH_MS, false).unref()),
  ]);
  await side.close();
  await store?.close();
  await tracing.stop();
  source.stop();
  redis.disconnect();
  pushing.disconnect();
  subscriber.disconnect();
  logger.info({ graceful }, API_EVENTS.stopped);
  return EXIT.ok;
}

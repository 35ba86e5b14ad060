/** The role `api`: the fleet's front door. Several may run; they share keys and rate limits through Redis. */
import { EXIT } from "../../contract/exit-codes.ts";
import { openStore } from "../adapters/postgres/open-store.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import { API_EVENTS } from "../api/events.ts";
import { ApiListenError } from "../api/listen-error.ts";
import { apiParts } from "../api/parts.ts";
import { loadSettings } from "../config/load-settings.ts";
import { logOptions } from "../logging/log-options.ts";
import { createLogger, type Logger } from "../logging/logger.ts";
import { redactor } from "../logging/redact.ts";
import { reportSecrets } from "../logging/report-secrets.ts";
import { currentSetting, openSecrets } from "../secrets/open-secrets.ts";

/** Requests that run at the end may take so long to finish. */
const FINISH_MS = 30_000;

/** Aborts at the first SIGTERM or SIGINT. */
function stopSignal(logger: Logger): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      logger.info({ signal: name }, API_EVENTS.signal);
      stop.abort(name);
    });
  return stop.signal;
}

/**
 * Runs until SIGTERM or SIGINT, then finishes the requests that it has. Returns the exit code. Redis and the
 * database need not be there at the start: `/health/ready` says so until they are.
 * @throws SettingsError, SecretsError, ApiListenError before it serves.
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
  const stopping = stopSignal(logger);
  const connect = (profile: "client" | "subscriber") =>
    createConnection({ url: settings.redisUrl, password, profile, name: `taskfleet-api-${profile}` });
  const redis = connect("client");
  redis.connect().catch(() => {});
  // Many waits may listen at once; it connects with the first.
  const subscriber = connect("subscriber").setMaxListeners(0);
  const redact = redactor(secrets);
  const store = await openStore(settings, "taskfleet api", secretOf);
  const runs = store ?? null;
  const app = await buildApi(
    apiParts({ settings, redis, subscriber: () => subscriber, logger, runs, stopping, redact }),
  );
  const { apiHost: host, apiPort: port } = settings;
  const address = await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw new ApiListenError(host, port, error);
  });
  logger.info({ address, streams: settings.streams }, API_EVENTS.starting);
  if (!stopping.aborted) await new Promise((resolve) => stopping.addEventListener("abort", resolve));
  const graceful = await Promise.race([
    app.close().then(() => true),
    new Promise<false>((resolve) => setTimeout(resolve, FINISH_MS, false).unref()),
  ]);
  await store?.close();
  source.stop();
  redis.disconnect();
  subscriber.disconnect();
  logger.info({ graceful }, API_EVENTS.stopped);
  return EXIT.ok;
}

import { EXIT } from "../../contract/exit-codes.ts";
import { createConnection, redisAddress } from "../adapters/redis/connection.ts";
import { loadSettings } from "../config/load-settings.ts";
import { loadHandlers } from "../handlers/load-handlers.ts";
import { pairs } from "./output/table.ts";
import { CliError } from "./report-error.ts";

/** Scripts use `#!lua flags=`, which Redis has from this version on. */
const LEAST_REDIS = 7;

/** Whether a worker could start here: settings, handlers, Redis. Prints what it found; errors are thrown. */
export async function checkWorker(env: NodeJS.ProcessEnv): Promise<number> {
  const settings = loadSettings(env, "worker");
  const handlers = await loadHandlers({ folder: settings.handlers });
  const version = await redisVersion(settings.redisUrl, settings.redisPassword);
  process.stdout.write(
    pairs([
      ["settings", "ok"],
      ["streams", settings.streams.join(", ")],
      ["handlers", [...handlers.values()].map(({ kind, version }) => `${kind} ${version}`).join(", ")],
      ["redis", `${version} at ${redisAddress(settings.redisUrl)}`],
    ]),
  );
  return EXIT.ok;
}

async function redisVersion(url: string, password: string): Promise<string> {
  const redis = createConnection({ url, password, profile: "client", name: "taskfleet-check" });
  try {
    const version = /^redis_version:(\S+)/m.exec(await redis.info("server"))?.[1] ?? "unknown";
    if (Number.parseInt(version, 10) >= LEAST_REDIS) return version;
    throw new CliError(
      `Redis at ${redisAddress(url)} is version ${version}, but ${LEAST_REDIS}.0 or newer is needed`,
      EXIT.failed,
    );
  } finally {
    redis.disconnect();
  }
}

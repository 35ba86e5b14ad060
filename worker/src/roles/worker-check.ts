/** `worker --check`: would a worker start here? */
import { EXIT } from "../../contract/exit-codes.ts";
import { createConnection, redisAddress } from "../adapters/redis/connection.ts";
import { loadSettings, type Settings, secretValues } from "../config/load-settings.ts";
import { loadHandlers } from "../handlers/load-handlers.ts";
import { redactor } from "../logging/redact.ts";

/** What was looked at, and whether it is in order. */
export interface StartCheck {
  readonly subject: "settings" | "handlers" | "redis";
  readonly ok: boolean;
  readonly message: string;
}

/** The queue's scripts use `#!lua flags=`, which Redis has from this version on. */
const LEAST_REDIS = 7;

async function tried(subject: StartCheck["subject"], attempt: () => Promise<string>): Promise<StartCheck> {
  try {
    return { subject, ok: true, message: await attempt() };
  } catch (error) {
    return { subject, ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

async function greetRedis({ redisUrl: url, redisPassword: password }: Settings<"worker">): Promise<string> {
  const redis = createConnection({ url, password, profile: "client", name: "worker-check" });
  try {
    const version = /^redis_version:(\S+)/m.exec(await redis.info("server"))?.[1] ?? "unknown";
    const found = `version ${version} at ${redisAddress(url)}`;
    if (Number.parseInt(version, 10) >= LEAST_REDIS) return found;
    throw new Error(`${found}; ${LEAST_REDIS}.0 or newer is needed`);
  } finally {
    redis.disconnect();
  }
}

async function nameHandlers(folder: string): Promise<string> {
  const handlers = [...(await loadHandlers({ folder })).values()];
  return handlers.map(({ kind, version }) => `${kind} ${version}`).join(", ");
}

/** Loads settings and handlers and asks Redis who it is; wrong settings leave nothing more to look at. */
export async function checkStart(env: NodeJS.ProcessEnv): Promise<readonly StartCheck[]> {
  let settings: Settings<"worker"> | undefined;
  const first = await tried("settings", async () => {
    settings = loadSettings(env, "worker");
    const { concurrency, batchSize, streams } = settings;
    return `concurrency ${concurrency}, batch size ${batchSize}, streams ${streams.join(", ")}`;
  });
  if (settings === undefined) return [first];
  const known = settings;
  const redact = redactor(secretValues(known));
  const checks = await Promise.all([
    tried("handlers", () => nameHandlers(known.handlers)),
    tried("redis", () => greetRedis(known)),
  ]);
  return [first, ...checks].map((check) => ({ ...check, message: redact(check.message) }));
}

/** Prints what was found, a line each, and returns exit code 0 when a worker would start, else 1. */
export async function checkWorker(env: NodeJS.ProcessEnv): Promise<number> {
  const checks = await checkStart(env);
  for (const { subject, ok, message } of checks) {
    process.stdout.write(`${subject}: ${ok ? "ok, " : "wrong, "}${message}\n`);
  }
  return checks.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
}

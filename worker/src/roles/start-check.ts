/** `worker --check` and `spawner --check`: would it start here? */
import { EXIT } from "../../contract/exit-codes.ts";
import { createConnection, redisAddress } from "../adapters/redis/connection.ts";
import { loadSettings, type Settings } from "../config/load-settings.ts";
import { type LoadedHandler, loadHandlers } from "../handlers/load-handlers.ts";
import { missingFiles, missingSecrets, requiredSecrets } from "../handlers/requirements.ts";
import { redactor } from "../logging/redact.ts";
import { openSecrets } from "../secrets/open-secrets.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { openResults } from "./open-results.ts";

export type CheckedRole = "worker" | "spawner";

/** What was looked at, and whether it is in order. */
export interface StartCheck {
  readonly subject: "settings" | "handlers" | "secrets" | "files" | "results" | "redis";
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

async function greetRedis({
  redisUrl: url,
  redisPassword: password,
}: Settings<CheckedRole>): Promise<string> {
  const redis = createConnection({ url, password, profile: "client", name: "start-check" });
  try {
    const version = /^redis_version:(\S+)/m.exec(await redis.info("server"))?.[1] ?? "unknown";
    const found = `version ${version} at ${redisAddress(url)}`;
    if (Number.parseInt(version, 10) >= LEAST_REDIS) return found;
    throw new Error(`${found}; ${LEAST_REDIS}.0 or newer is needed`);
  } finally {
    redis.disconnect();
  }
}

/** What handlers require; no line where they require nothing. */
async function checkRequirements(
  handlers: readonly LoadedHandler[],
  secrets: Secrets | undefined,
): Promise<readonly StartCheck[]> {
  const names = requiredSecrets(handlers);
  const files = handlers.flatMap(({ requires }) => requires?.files ?? []);
  const enough = (missing: readonly string[], found: readonly string[]) => {
    if (missing.length > 0) throw new Error(missing.join(" "));
    return found.join(", ");
  };
  return Promise.all([
    ...(names.length === 0 || secrets === undefined
      ? []
      : [
          tried("secrets", async () => {
            await secrets.need(names);
            return enough(
              missingSecrets(handlers, (name) => secrets.get(name)),
              names,
            );
          }),
        ]),
    ...(files.length === 0 ? [] : [tried("files", async () => enough(await missingFiles(handlers), files))]),
  ]);
}

/** The folder of results, where this role writes them. */
async function checkResults(settings: Settings<CheckedRole>): Promise<readonly StartCheck[]> {
  if (!("resultBackEnd" in settings)) return [];
  const { resultBackEnd, resultDirectory } = settings as Settings<"worker">;
  if (resultBackEnd !== "fs") return [];
  const open = async () => {
    await openResults({ resultBackEnd, resultDirectory }, "start-check");
    return `files in ${resultDirectory}`;
  };
  return [await tried("results", open)];
}

function describeSettings(settings: Settings<CheckedRole>): string {
  const { streams } = settings;
  if (!("concurrency" in settings)) return `streams ${streams.join(", ")}`;
  const { concurrency, batchSize } = settings as Settings<"worker">;
  return `concurrency ${concurrency}, batch size ${batchSize}, streams ${streams.join(", ")}`;
}

/** Whether this process is where the handlers run, or starts the workers that do. */
function runsHandlers(settings: Settings<CheckedRole>): boolean {
  return !("actuator" in settings) || settings.actuator === "process";
}

/**
 * Loads settings, secrets and handlers, looks for what these require, and asks Redis who it is. Wrong settings leave
 * nothing more to look at.
 */
export async function checkStart(env: NodeJS.ProcessEnv, role: CheckedRole): Promise<readonly StartCheck[]> {
  let given: Settings<CheckedRole> | undefined;
  const first = await tried("settings", async () => {
    given = loadSettings(env, role) as Settings<CheckedRole>;
    return describeSettings(given);
  });
  if (given === undefined) return [first];
  const known = given;
  let opened: Awaited<ReturnType<typeof openSecrets<Settings<CheckedRole>>>> | undefined;
  const sources = await tried("secrets", async () => {
    opened = await openSecrets(env, known, role);
    return "";
  });
  const settings = opened?.settings ?? known;
  let handlers: readonly LoadedHandler[] = [];
  const [loaded, redis] = await Promise.all([
    tried("handlers", async () => {
      handlers = [...(await loadHandlers({ folder: settings.handlers })).values()];
      return handlers.map(({ kind, version }) => `${kind} ${version}`).join(", ");
    }),
    tried("redis", () => greetRedis(settings)),
  ]);
  const required = runsHandlers(settings) ? await checkRequirements(handlers, opened?.secrets) : [];
  const results = await checkResults(settings);
  opened?.secrets.stop();
  const redact = redactor(opened?.secrets.values() ?? []);
  const checks = [first, ...(sources.ok ? [] : [sources]), loaded, ...required, ...results, redis];
  return checks.map((check) => ({ ...check, message: redact(check.message) }));
}

/** Prints what was found, a line each, and returns exit code 0 when the role would start, else 1. */
export async function printStartCheck(env: NodeJS.ProcessEnv, role: CheckedRole): Promise<number> {
  const checks = await checkStart(env, role);
  for (const { subject, ok, message } of checks) {
    process.stdout.write(`${subject}: ${ok ? "ok, " : "wrong, "}${message}\n`);
  }
  return checks.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
}

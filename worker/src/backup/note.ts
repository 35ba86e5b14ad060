/** What the fleet knows of its backups: a hash of each queue, which `doctor` and `status` read. */
import type { Redis } from "ioredis";
import { queueKeys } from "../../contract/queue-keys.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import type { Settings } from "../config/load-settings.ts";
import type { Manifest } from "./manifest.ts";
import { lastLines } from "./programs.ts";

/** Times in ms since the epoch; null: never. */
export interface BackupNote {
  readonly lastSuccess: number | null;
  readonly name: string | null;
  readonly lastFailure: number | null;
  /** Why the last one failed. */
  readonly error: string | null;
}

type Noted = Pick<Settings<"backup">, "redisUrl" | "redisPassword" | "streams">;

async function put(settings: Noted, fields: Readonly<Record<string, string | number>>): Promise<void> {
  const { redisUrl: url, redisPassword: password, streams } = settings;
  const redis = createConnection({ url, password, profile: "client", name: "taskfleet-backup" });
  try {
    for (const stream of streams) await redis.hset(queueKeys(stream).backups, fields);
  } finally {
    redis.disconnect();
  }
}

export function noteSuccess(settings: Noted, { name, started_at }: Manifest): Promise<void> {
  return put(settings, { name, "last-success": Date.parse(started_at) });
}

export function noteFailure(settings: Noted, error: unknown, now: number): Promise<void> {
  const text = lastLines(error instanceof Error ? error.message : String(error), [settings.redisPassword]);
  return put(settings, { "last-failure": now, error: text });
}

export async function readNote(redis: Redis, stream: string): Promise<BackupNote> {
  const found = await redis.hmget(queueKeys(stream).backups, "last-success", "name", "last-failure", "error");
  const [success = null, name = null, failure = null, error = null] = found;
  const time = (text: string | null) => (text === null ? null : Number(text));
  return { lastSuccess: time(success), name, lastFailure: time(failure), error };
}

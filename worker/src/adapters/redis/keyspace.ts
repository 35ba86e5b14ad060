/** All keys of a server: their digest, and their way into another server. */
import type { Redis } from "ioredis";
import { BackupError } from "../../backup/backup-error.ts";
import type { ExpiringDigest, KeyspaceDigest } from "../../backup/manifest.ts";
import { replies } from "./connection.ts";
import { contentDigest, DigestSum, digestOf } from "./content-digest.ts";
import { serverTimeMs } from "./queue-status.ts";

const PAGE = 500;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Numbers of the databases that hold keys. */
export async function databasesOf(redis: Redis): Promise<readonly number[]> {
  const info = await redis.info("keyspace");
  return Array.from(info.matchAll(/^db(\d+):keys=\d+/gm), ([, number]) => Number(number));
}

/** The keys of all databases, each once, page by page; the connection stays at the page's database. */
async function* pagesOf(redis: Redis): AsyncGenerator<{ database: number; keys: readonly Buffer[] }> {
  for (const database of await databasesOf(redis)) {
    await redis.select(database);
    const seen = new Set<string>();
    let cursor = "0";
    do {
      const [next, found] = await redis.scanBuffer(cursor, "COUNT", PAGE);
      const keys = found.filter((key) => !seen.has(key.toString("latin1")));
      for (const key of keys) seen.add(key.toString("latin1"));
      if (keys.length > 0) yield { database, keys };
      cursor = next.toString();
    } while (cursor !== "0");
  }
}

/**
 * When a key's bucket begins, in ms since the epoch: buckets are finer the sooner keys end after `takenAt`, so that
 * few keys are left out when some have ended.
 */
export function bucketOf(endsAt: number, takenAt: number): number {
  const left = endsAt - takenAt;
  const size = left < 2 * HOUR_MS ? MINUTE_MS : left < 7 * DAY_MS ? HOUR_MS : DAY_MS;
  return Math.floor(endsAt / size) * size;
}

/**
 * Digest of a server whose keys nobody changes, and its clock at the end. `takenAt`: of the snapshot that it holds, ms
 * since the epoch. @throws BackupError for a key of a type that is none of Redis' own.
 */
export async function digestKeyspace(
  redis: Redis,
  takenAt: number,
  signal?: AbortSignal,
): Promise<{ readonly digest: KeyspaceDigest; readonly now: number }> {
  const lasting = new DigestSum();
  const types: Record<string, number> = {};
  const buckets = new Map<number, { keys: number; sum: DigestSum }>();
  let keys = 0;
  for await (const page of pagesOf(redis)) {
    signal?.throwIfAborted();
    for (const { type, endsAt, digest } of await digestPage(redis, page)) {
      if (endsAt === -1) {
        keys += 1;
        types[type] = (types[type] ?? 0) + 1;
        lasting.add(digest);
        continue;
      }
      const from = bucketOf(endsAt, takenAt);
      const bucket = buckets.get(from) ?? { keys: 0, sum: new DigestSum() };
      bucket.keys += 1;
      bucket.sum.add(digest);
      buckets.set(from, bucket);
    }
  }
  const now = await serverTimeMs(redis);
  const expiring: ExpiringDigest[] = [...buckets]
    .filter(([from]) => from > now)
    .sort(([a], [b]) => a - b)
    .map(([from, { keys, sum }]) => ({ from, keys, checksum: sum.hex }));
  return { digest: { keys, checksum: lasting.hex, expiring, types }, now };
}

interface DigestedKey {
  readonly type: string;
  /** -1: never. */
  readonly endsAt: number;
  readonly digest: Buffer;
}

async function digestPage(
  redis: Redis,
  { database, keys }: { readonly database: number; readonly keys: readonly Buffer[] },
): Promise<readonly DigestedKey[]> {
  const ask = redis.pipeline();
  for (const key of keys) ask.type(key).call("PEXPIRETIME", key);
  const answers = await replies(redis, ask);
  const digests = await Promise.all(
    keys.map(async (key, i): Promise<DigestedKey | undefined> => {
      const [type, endsAt] = [String(answers[i * 2]), Number(answers[i * 2 + 1])];
      // It has ended meanwhile.
      if (type === "none" || endsAt === -2) return undefined;
      const content = await contentDigest(redis, key, type);
      if (content === undefined)
        throw new BackupError(`the key ${key.toString()} has the type ${type}, which is none of Redis' own`);
      return { type, endsAt, digest: digestOf(database, key, type, endsAt, content) };
    }),
  );
  return digests.filter((one) => one !== undefined);
}

/** Copies all keys into another server, with the times of their ends; keys that have ended are left out. */
export async function copyKeyspace(from: Redis, to: Redis, signal?: AbortSignal): Promise<void> {
  for await (const { database, keys } of pagesOf(from)) {
    signal?.throwIfAborted();
    await to.select(database);
    const ask = from.pipeline();
    for (const key of keys) ask.dumpBuffer(key).call("PEXPIRETIME", key);
    const answers = await replies(from, ask);
    const put = to.pipeline();
    keys.forEach((key, i) => {
      const [dump, endsAt] = [answers[i * 2] as Buffer | null, Number(answers[i * 2 + 1])];
      if (dump === null || endsAt === -2) return;
      put.call("RESTORE", key, Math.max(0, endsAt), dump, "ABSTTL");
    });
    await replies(to, put);
  }
}

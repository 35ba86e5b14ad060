import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Redis } from "ioredis";
import { queueKeys } from "../../contract/queue-keys.ts";
import type { ResultRecord } from "../../contract/records.ts";
import type { RedisNode } from "../../contract/redis-url.ts";
import {
  connectionOf,
  parseRedisUrl,
  redisAddress,
  replies,
  serverOf,
} from "../adapters/redis/connection.ts";
import type { RedisFacts, ResultSample } from "./facts.ts";
import { isLoopback } from "./loopback.ts";

const PATIENCE_MS = 4_000;

/** Asks one Redis about itself. Reads only. Throws `RedisUnavailableError`. */
export async function gatherRedis(redis: Redis, url: string, stream: string): Promise<RedisFacts> {
  const own = connectionOf(redis, stream);
  const info = parseInfo(await own.info());
  const { place, tls } = parseRedisUrl(url);
  const at = place.kind === "single" ? place.node : await serverOf(own);
  return {
    address: redisAddress(url),
    loopback: isLoopback(at.host),
    version: info.redis_version ?? "unknown",
    passwordRequired: await refusesStrangers(at, tls),
    appendOnly: info.aof_enabled === "1",
    evictionPolicy: info.maxmemory_policy ?? "unknown",
    maxMemory: Number(info.maxmemory ?? 0),
    results: await sampleResults(own, stream),
  };
}

/** `name:value` lines; headings begin with #. */
export function parseInfo(text: string): Readonly<Record<string, string | undefined>> {
  const lines = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
}

/** Whether a connection that names no user and no password may not even `PING`. */
async function refusesStrangers(at: RedisNode, tls: boolean): Promise<boolean> {
  const socket = tls ? connectTls({ ...at, servername: at.host }) : connectPlain(at);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
  try {
    socket.write("PING\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    return !answer.toString("utf8").startsWith("+PONG");
  } finally {
    socket.destroy();
  }
}

const SCAN_ROUNDS = 20;
const KEYS_A_ROUND = 500;
const MOST_RESULTS = 200;

/**
 * Looks at up to 10,000 keys, which a `SCAN` gives in no order, and at up to 200 of the stream's results among them.
 */
async function sampleResults(redis: Redis, stream: string): Promise<ResultSample> {
  const prefix = queueKeys(stream).results;
  const found: string[] = [];
  let seen = 0;
  let cursor = "0";
  for (let round = 0; round < SCAN_ROUNDS; round++) {
    const [next, keys] = await redis.scan(cursor, "COUNT", KEYS_A_ROUND);
    seen += keys.length;
    found.push(...keys.filter((key) => key.startsWith(prefix)));
    cursor = next;
    if (cursor === "0") break;
  }
  const sample = found.slice(0, MOST_RESULTS);
  if (sample.length === 0) return { stored: 0, meanBytes: 0, oldestAt: null };
  const sizes = redis.pipeline();
  for (const key of sample) sizes.call("MEMORY", "USAGE", key);
  const bytes = ((await replies(redis, sizes)) as (number | null)[]).filter((size) => size !== null);
  const texts = (await redis.mget(...sample)).filter((text) => text !== null);
  const ends = texts.map((text) => (JSON.parse(text) as ResultRecord).finished_at);
  return {
    stored: cursor === "0" ? found.length : Math.round((found.length / seen) * (await redis.dbsize())),
    meanBytes: bytes.reduce((sum, size) => sum + size, 0) / Math.max(1, bytes.length),
    oldestAt: ends.length === 0 ? null : Math.min(...ends),
  };
}

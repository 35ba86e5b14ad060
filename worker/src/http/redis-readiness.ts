import type { Redis } from "ioredis";

const PING_MS = 2_000;

/** What keeps Redis from being used, as a readiness error; empty when it answers. */
export async function redisReadiness(redis: Redis): Promise<string[]> {
  // While it reconnects, a command would wait for as long as that takes.
  if (redis.status !== "ready") return [`redis: not connected (${redis.status})`];
  const late = Promise.withResolvers<string[]>();
  const timer = setTimeout(() => late.resolve([`redis: no answer within ${PING_MS / 1000} s`]), PING_MS);
  const asked = redis.ping().then(
    () => [],
    (error: unknown) => [`redis: ${error instanceof Error ? error.message : String(error)}`],
  );
  return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
}

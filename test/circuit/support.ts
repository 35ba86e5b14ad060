import { RedisCircuits } from "../../worker/src/adapters/redis/circuits.ts";
import type { TestQueue } from "../support/queue.ts";

export const OPEN_MS = 60_000;
export const FAILURES = 5;

/** A worker's view of the circuits, on a connection of its own; what changed is kept in order. */
export function workersCircuits(queue: TestQueue, limit = FAILURES) {
  const changes: string[] = [];
  const failures: unknown[] = [];
  const redis = queue.connect("command");
  const circuits = new RedisCircuits({
    redis,
    stream: queue.stream,
    failures: limit,
    openMs: OPEN_MS,
    onChange: (name, state) => changes.push(`${name} ${state}`),
    onFailure: (error) => failures.push(error),
  });
  return { circuits, changes, failures, redis };
}

/** Makes a circuit look as if so much time had passed. */
export async function age(queue: TestQueue, name: string, ms: number): Promise<void> {
  const { redis, keys } = queue;
  const key = keys.circuits + name;
  for (const field of ["open-until", "probe-until"]) {
    const at = await redis.hget(key, field);
    if (at !== null) await redis.hset(key, field, String(Number(at) - ms));
  }
  const left = await redis.pttl(key);
  if (left > 0) await redis.pexpire(key, left - ms);
  const listed = await redis.zscore(keys.circuitsOpen, name);
  if (listed !== null) await redis.zadd(keys.circuitsOpen, Number(listed) - ms, name);
}

import type { Redis } from "ioredis";
import { queueKeys } from "../../contract/queue-keys.ts";
import type { ScalingDecision } from "../../contract/scaling.ts";
import { encodeScaling, parseScaling } from "../../contract/scaling-record.ts";
import { openCircuits } from "../adapters/redis/circuits.ts";
import { backlog, depth, readKinds, readStats, serverTimeMs } from "../adapters/redis/queue-status.ts";
import { readOrder } from "../adapters/redis/scaling-orders.ts";
import { SCRIPTS } from "../adapters/redis/scripts.ts";
import { Workers } from "../adapters/redis/workers.ts";
import type { QueueSnapshot } from "./queue-metrics.ts";
import type { ScaledQueue } from "./scaler.ts";

/** The queue as the scaler sees it. */
export function scaledQueue(redis: Redis, stream: string): ScaledQueue {
  const { scaling } = queueKeys(stream);
  const workers = new Workers(redis, stream);
  return {
    async backlog() {
      const [nowMs, { waiting, running, due }] = await Promise.all([
        serverTimeMs(redis),
        depth(redis, stream),
      ]);
      return { nowMs, waiting, running, dueRetries: due };
    },
    length: () => backlog(redis, stream),
    workers: () => workers.list(),
    async reporting(withinMs) {
      const [nowMs, reports] = await Promise.all([serverTimeMs(redis), workers.list()]);
      return reports.filter(({ seen_at, state }) => nowMs - seen_at <= withinMs && state !== "draining")
        .length;
    },
    order: () => readOrder(redis, stream),
    readRecord: async () => parseScaling(await redis.hgetall(scaling)),
    writeRecord: (record) =>
      SCRIPTS.recordScaling.run(redis, [scaling], Object.entries(encodeScaling(record)).flat()),
  };
}

/** Reads what the leader's metrics are made of. */
export async function readSnapshot(
  redis: Redis,
  stream: string,
  given: { readonly leaseMs: number; readonly decision: ScalingDecision | null },
): Promise<QueueSnapshot> {
  const [nowMs, full, stats, kinds, workers, keyMemory, circuits] = await Promise.all([
    serverTimeMs(redis),
    depth(redis, stream),
    readStats(redis, stream),
    readKinds(redis, stream),
    new Workers(redis, stream).list(),
    readKeyMemory(redis, stream),
    openCircuits(redis, stream),
  ]);
  const { waiting, running, parkedBy, delayed, due, deadLetters, paused, oldestIdleMs } = full;
  const depths = { waiting, running, parkedBy, delayed: delayed - due, deadLetters, paused, oldestIdleMs };
  return {
    stream,
    nowMs,
    ...given,
    ...depths,
    stats,
    kinds: [...kinds.keys()],
    workers,
    keyMemory,
    circuits,
  };
}

/** Bytes of each of the queue's keys but results, circuits and sessions; a key that does not exist has none. */
async function readKeyMemory(redis: Redis, stream: string): Promise<ReadonlyMap<string, number>> {
  const all = queueKeys(stream);
  const { results, slots, starts, parked, circuits, sessionsOf, session, ...others } = all;
  const { settledChannel, controlChannel, sessionNews, ...kept } = others;
  const keys = Object.values(kept);
  const bytes = await Promise.all(keys.map((key) => redis.memory("USAGE", key)));
  return new Map(keys.map((key, i) => [key, bytes[i] ?? 0]));
}

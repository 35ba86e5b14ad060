import type { Redis } from "ioredis";
import { CONSUMER_GROUP, queueKeys } from "../../../contract/queue-keys.ts";
import type { PublishedKind } from "../../../contract/records.ts";
import { SCRIPTS } from "./scripts.ts";

/** How full a queue is, at one moment. */
export interface QueueDepth {
  /** In the stream, held by no worker. */
  readonly waiting: number;
  /** Held by workers. */
  readonly running: number;
  /** Delayed tasks and retries, due ones included. */
  readonly delayed: number;
  /** Those whose time has come. */
  readonly due: number;
  readonly deadLetters: number;
  readonly paused: boolean;
  /** The longer of: age of the oldest waiting entry, longest silence about a running one; ms. */
  readonly oldestIdleMs: number;
}

/** Of a longer pending list only the oldest entries are looked at. */
const PENDING_LOOKED_AT = 1_000;

/** Depth of a stream's queue; all zero when there is none. */
export async function depth(redis: Redis, stream: string): Promise<QueueDepth> {
  const { due, deadLetterOrder, paused } = queueKeys(stream);
  const args = [CONSUMER_GROUP, PENDING_LOOKED_AT];
  const answer = (await SCRIPTS.depth.run(redis, [stream, due, deadLetterOrder, paused], args)) as number[];
  const [waiting = 0, running = 0, delayed = 0, dueNow = 0, dead = 0, isPaused = 0, oldestIdleMs = 0] =
    answer;
  return {
    waiting,
    running,
    delayed,
    due: dueNow,
    deadLetters: dead,
    paused: isPaused === 1,
    oldestIdleMs,
  };
}

/** The server's clock, in ms since the epoch. */
export async function serverTimeMs(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

/** All counters of the queue by field name, see `worker/contract/stats-fields.ts`. */
export async function readStats(redis: Redis, stream: string): Promise<Record<string, number>> {
  const fields = await redis.hgetall(queueKeys(stream).stats);
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, Number(value)]));
}

/** The kinds that the fleet runs, as a spawner published them last; empty when none ever did. */
export async function readKinds(redis: Redis, stream: string): Promise<Map<string, PublishedKind>> {
  const kinds = await redis.hgetall(queueKeys(stream).kinds);
  return new Map(Object.entries(kinds).map(([kind, text]) => [kind, JSON.parse(text) as PublishedKind]));
}

/** Pauses or resumes a queue: while it is paused no worker takes a task. Whether that changed anything. */
export async function setPaused(redis: Redis, stream: string, paused: boolean): Promise<boolean> {
  const keys = queueKeys(stream);
  const script = paused ? SCRIPTS.pause : SCRIPTS.resume;
  return (await script.run(redis, [keys.paused], [keys.controlChannel])) === 1;
}

import type { Redis } from "ioredis";
import { PRIORITIES, type Priority, priorityStreams } from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, queueKeys } from "../../../contract/queue-keys.ts";
import type { PublishedKind } from "../../../contract/records.ts";
import { SCRIPTS } from "./scripts.ts";

/** How full a queue is, at one moment. */
export interface QueueDepth {
  /** In the queue's streams, held by no worker. */
  readonly waiting: number;
  /** The same, by priority. */
  readonly waitingBy: Readonly<Record<Priority, number>>;
  /** Outside of the streams, until their kind's limits let them start. */
  readonly parked: number;
  /** The same, by kind; kinds that have any. */
  readonly parkedBy: Readonly<Record<string, number>>;
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
  const { due, deadLetterOrder, paused, parkedKinds, parked } = queueKeys(stream);
  const streams = priorityStreams(stream);
  const keys = [due, deadLetterOrder, paused, parkedKinds, ...streams];
  const answer = (await SCRIPTS.depth.run(redis, keys, [
    CONSUMER_GROUP,
    PENDING_LOOKED_AT,
    parked,
  ])) as Figures;
  const [waiting, running, delayed, dueNow, dead, isPaused, oldestIdleMs, tallies, ...by] = answer;
  const parkedBy = pairs(tallies).filter(([, count]) => count > 0);
  const waitingBy = Object.fromEntries(PRIORITIES.map((priority, i) => [priority, by[i] ?? 0]));
  return {
    waiting,
    waitingBy: waitingBy as Record<Priority, number>,
    parked: parkedBy.reduce((sum, [, count]) => sum + count, 0),
    parkedBy: Object.fromEntries(parkedBy),
    running,
    delayed,
    due: dueNow,
    deadLetters: dead,
    paused: isPaused === 1,
    oldestIdleMs,
  };
}

type Seven = readonly [number, number, number, number, number, number, number];
type Tallies = readonly (string | number)[];
type Figures = readonly [...Seven, Tallies, ...number[]];

/** Kind, how many, kind, how many, and so on. */
function pairs(tallies: Tallies): (readonly [string, number])[] {
  return Array.from({ length: tallies.length / 2 }, (_, i) => [
    String(tallies[i * 2]),
    Number(tallies[i * 2 + 1]),
  ]);
}

/** Waiting and running tasks of all priorities: what scalers read. */
export async function backlog(redis: Redis, stream: string): Promise<number> {
  const lengths = await Promise.all(priorityStreams(stream).map((key) => redis.xlen(key)));
  return lengths.reduce((sum, length) => sum + length, 0);
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

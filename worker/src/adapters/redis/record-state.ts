import type { Redis } from "ioredis";
import { queueKeys } from "../../../contract/queue-keys.ts";
import { RecordStream } from "./record-stream.ts";

/** How far the record of a queue is, as Redis knows it. */
export interface RecordLag {
  /** Whether changes of tasks are told at all. */
  readonly on: boolean;
  /** Bytes of events that wait for the database. */
  readonly waitingBytes: number;
  /** Age of the oldest event that waits, by the server's clock; 0: none waits. */
  readonly lagMs: number;
  /** Changes of tasks that were dropped because too many waited, in all. */
  readonly lost: number;
  /** When some were dropped last, in ms since the epoch; `null`: never. */
  readonly lostAt: number | null;
}

/** `nowMs`: the server's time. */
export async function readRecordLag(redis: Redis, stream: string, nowMs: number): Promise<RecordLag> {
  const [{ boundBytes, usedBytes, lost, lostAt }, [oldest]] = await Promise.all([
    new RecordStream(redis, stream).state(),
    redis.xrange(queueKeys(stream).events, "-", "+", "COUNT", 1),
  ]);
  const lagMs = oldest === undefined ? 0 : Math.max(0, nowMs - Number.parseInt(oldest[0], 10));
  return { on: boundBytes !== null, waitingBytes: usedBytes, lagMs, lost, lostAt };
}

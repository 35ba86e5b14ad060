import type { Loop } from "./repeat.ts";

/** Moves tasks whose time has come into the stream; `Keeper` of the Redis adapter does. */
export interface Promoter {
  promote(limit: number): Promise<{ readonly promoted: number; readonly nextDueMs: number | null }>;
}

/** Tasks moved in one call. */
const BATCH = 1_000;
/** A task may be added that is due earlier than any known one, so the next look is never later than this. */
const LONGEST_WAIT_MS = 250;
/** Bounds the calls when this machine's clock is ahead of the server's. */
const SHORTEST_WAIT_MS = 5;

/** Starts retries and delayed tasks at their due times. `now`: the time in ms since the epoch. */
export function dueLoop(queue: Promoter, now: () => number): Loop {
  return {
    name: "due",
    async step() {
      const { promoted, nextDueMs } = await queue.promote(BATCH);
      if (promoted === BATCH) return 0;
      return waitForDue(nextDueMs, now());
    },
  };
}

/** How long to wait until the next task is due, in ms. */
export function waitForDue(nextDueMs: number | null, nowMs: number): number {
  if (nextDueMs === null) return LONGEST_WAIT_MS;
  return Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, nextDueMs - nowMs));
}

import { compareEntryIds } from "../core/entry-order.ts";
import type { Logger } from "../logging/logger.ts";
import type { ActivityStore } from "../ports/activity-store.ts";
import { BEFORE_ALL, type RunEventSource } from "../ports/run-event-source.ts";
import type { Loop } from "../spawner/repeat.ts";
import { RECORD_EVENTS } from "./events.ts";
import { cleanUpStale, type TaskTruth } from "./stale.ts";

export interface UpkeepOptions {
  readonly queue: string;
  readonly source: RunEventSource;
  readonly store: ActivityStore;
  readonly tasks: TaskTruth;
  /** The time in ms since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** The longest that a timer can wait: what is done once a term. */
const NOT_AGAIN_MS = 2 ** 31 - 1;
/** Between looks at whether the record has caught up. */
const CATCH_UP_MS = 500;
/** Younger runs may be of pushes whose events are on their way. */
const YOUNGEST_STALE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Runs that one statement takes out. */
const EXPIRE_PART = 5_000;

/** Once a term, when the record has what was told before it began: open runs without a task are ended. */
export function staleLoop({ queue, source, store, tasks, now, logger }: UpkeepOptions): Loop {
  let target: string | undefined;
  return {
    name: "stale",
    async step(signal) {
      target ??= await source.lastId();
      const position = (await store.position(queue)) ?? BEFORE_ALL;
      if (compareEntryIds(position, target) < 0) return CATCH_UP_MS;
      const before = now() - YOUNGEST_STALE_MS;
      const { stale, repaired } = await cleanUpStale({ queue, store, tasks, before, now: now(), signal });
      const text = `Cleaned up ${stale} stale activities`;
      if (stale + repaired > 0) logger.info({ text, stale, repaired }, RECORD_EVENTS.cleanedUp);
      return NOT_AGAIN_MS;
    },
  };
}

export interface RetentionOptions extends UpkeepOptions {
  /** In seconds; 0: runs are kept for ever. */
  readonly retention: number;
  readonly mode: "delete" | "archive";
}

/** At the term's beginning and then daily: runs that ended long ago leave the record. None when they are kept. */
export function retentionLoop({ store, now, logger, retention, mode }: RetentionOptions): readonly Loop[] {
  if (retention === 0) return [];
  return [
    {
      name: "retention",
      async step(signal) {
        const expired = await expireAll(store, { before: now() - retention * 1000, mode }, signal);
        const text = `Cleaned up ${expired} old activities`;
        if (expired > 0) logger.info({ text, expired, mode }, RECORD_EVENTS.expired);
        return DAY_MS;
      },
    },
  ];
}

/** Takes them out part by part, so that no transaction is long; returns how many. */
export async function expireAll(
  store: ActivityStore,
  what: { readonly before: number; readonly mode: "delete" | "archive" },
  signal?: AbortSignal,
): Promise<number> {
  let expired = 0;
  for (;;) {
    const part = await store.expire({ ...what, limit: EXPIRE_PART });
    expired += part;
    if (part < EXPIRE_PART || signal?.aborted === true) return expired;
  }
}

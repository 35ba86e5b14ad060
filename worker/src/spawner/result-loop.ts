import type { Logger } from "../logging/logger.ts";
import type { ResultFile, ResultStore } from "../ports/result-store.ts";
import { SPAWNER_EVENTS } from "./events.ts";
import type { Loop } from "./repeat.ts";

export interface ResultLoopOptions {
  readonly store: Pick<ResultStore, "sweep">;
  readonly queue: string;
  readonly needed: (files: readonly ResultFile[]) => Promise<readonly boolean[]>;
  /** How long results are kept. */
  readonly ttlMs: number;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
}

const EVERY_MS = 60_000;

/** Removes the files of results that have expired. */
export function resultLoop({ store, queue, needed, ttlMs, now, logger }: ResultLoopOptions): Loop {
  return {
    name: "results",
    async step() {
      const removed = await store.sweep({ queue, before: now() - ttlMs, needed });
      if (removed > 0) logger.info({ removed }, SPAWNER_EVENTS.resultsExpired);
      return EVERY_MS;
    },
  };
}

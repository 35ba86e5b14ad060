/** How many tasks to ask for in the next read. Pure. */

/** A prefetched task waits at most this long for a slot; longer, and an idle worker should have it. */
export const PREFETCH_WAIT_MS = 250;

export interface FetchSituation {
  /** Slots of this worker. */
  readonly concurrency: number;
  /** Most tasks in one read, and most tasks held beyond the slots. */
  readonly batchSize: number;
  /** Tasks held: running and prefetched. */
  readonly held: number;
  /** Mean run time of recent tasks in ms; `null` before the first has ended. */
  readonly meanRunMs: number | null;
}

/**
 * The free slots always; beyond them only as many as the slots work off within `PREFETCH_WAIT_MS`. At most
 * `batchSize` are asked for, and at most `batchSize` held beyond the slots. 0: do not read now.
 */
export function fetchCount({ concurrency, batchSize, held, meanRunMs }: FetchSituation): number {
  const workedOff = meanRunMs === null ? 0 : Math.floor((PREFETCH_WAIT_MS * concurrency) / meanRunMs);
  const prefetch = Math.min(batchSize, workedOff);
  return Math.max(0, Math.min(batchSize, concurrency + prefetch - held));
}

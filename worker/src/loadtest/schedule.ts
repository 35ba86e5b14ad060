/**
 * An open-loop schedule: tasks are due at fixed moments whatever became of the ones before, so a slow fleet is not
 * asked less, and its slowness is not left out of the figures ("coordinated omission").
 */
export interface Schedule {
  /** Tasks in all. */
  readonly total: number;
  /** When task `index` is due, in ms since the start. */
  dueMs(index: number): number;
  /** How many are due after so long, the first at 0. */
  dueBy(elapsedMs: number): number;
}

/** `rate` tasks a second, evenly, for `durationMs`; one at least. */
export function evenSchedule(rate: number, durationMs: number): Schedule {
  const total = Math.max(1, Math.floor((rate * durationMs) / 1000));
  return {
    total,
    dueMs: (index) => (index * 1000) / rate,
    dueBy: (elapsedMs) => Math.min(total, Math.floor((Math.max(0, elapsedMs) * rate) / 1000) + 1),
  };
}

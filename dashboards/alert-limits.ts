/** The limit of every alert, once, with its unit: what rules, documents and tests read. */

export interface AlertLimit {
  /** The alert fires beyond it, for some below it: see its rule. */
  readonly limit: number;
  readonly unit:
    | "tasks"
    | "exits"
    | "failures"
    | "errors"
    | "share"
    | "bytes"
    | "s"
    | "workers"
    | "changes"
    | "targets"
    | "spawners"
    | "queues";
  /** Seconds over which rates and increases are taken; 0: the value of now. */
  readonly window: number;
  /** Seconds that the condition must hold before the alert fires. */
  readonly for: number;
}

const MINUTE = 60;
const MEGABYTE = 1_000_000;
const DAY = 86_400;

// biome-ignore format: one alert a line reads as a table
export const ALERT_LIMITS = {
  QueuePendingHigh: { limit: 50, unit: "tasks", window: 0, for: 10 * MINUTE },
  RunsQueuedHigh: { limit: 100, unit: "tasks", window: 0, for: 5 * MINUTE },
  QueueDepthHigh: { limit: 1000, unit: "tasks", window: 0, for: 5 * MINUTE },
  HandlerFailuresHigh: { limit: 0.1, unit: "share", window: 5 * MINUTE, for: 0 },
  TaskErrorRateHigh: { limit: 0.05, unit: "share", window: 5 * MINUTE, for: 5 * MINUTE },
  TaskDurationHigh: { limit: 5 * MINUTE, unit: "s", window: 15 * MINUTE, for: 5 * MINUTE },
  RunDurationP99High: { limit: 300, unit: "s", window: 15 * MINUTE, for: 5 * MINUTE },
  WorkerExitsWithError: { limit: 5, unit: "exits", window: 10 * MINUTE, for: 0 },
  WorkerErrorsHigh: { limit: 10, unit: "errors", window: MINUTE, for: 0 },
  WorkersTooFew: { limit: 2, unit: "workers", window: 0, for: 5 * MINUTE },
  RedisKeyMemoryHigh: { limit: 500 * MEGABYTE, unit: "bytes", window: 0, for: 5 * MINUTE },
  RedisMemoryHigh: { limit: 0.8, unit: "share", window: 0, for: 5 * MINUTE },
  RecordGap: { limit: 0, unit: "changes", window: 10 * MINUTE, for: 0 },
  RecordLagHigh: { limit: 5 * MINUTE, unit: "s", window: 0, for: 5 * MINUTE },
  BackupTooOld: { limit: 2 * DAY, unit: "s", window: 0, for: 60 * MINUTE },
  NoLeader: { limit: 1, unit: "spawners", window: 0, for: 2 * MINUTE },
  QueuePaused: { limit: 0, unit: "queues", window: 0, for: 30 * MINUTE },
  ScrapeTargetDown: { limit: 1, unit: "targets", window: 0, for: 5 * MINUTE },
} as const satisfies Record<string, AlertLimit>;

export type AlertName = keyof typeof ALERT_LIMITS;

/** Limits in place of those above. */
export type AlertOverrides = { readonly [Name in AlertName]?: Partial<Omit<AlertLimit, "unit">> };

/** All limits, with these changes. */
export function alertLimits(overrides: AlertOverrides = {}): Readonly<Record<AlertName, AlertLimit>> {
  const names = Object.keys(ALERT_LIMITS) as AlertName[];
  const entries = names.map((name) => [name, { ...ALERT_LIMITS[name], ...overrides[name] }] as const);
  return Object.fromEntries(entries) as Record<AlertName, AlertLimit>;
}

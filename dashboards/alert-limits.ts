/** The limit of every alert, once, with its unit: what rules, documents and tests read. */

export interface AlertLimit {
  /** The alert fires when the value is above the limit, or below it; at it, it is silent. */
  readonly side: "above" | "below";
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
  QueuePendingHigh: { side: "above", limit: 50, unit: "tasks", window: 0, for: 10 * MINUTE },
  RunsQueuedHigh: { side: "above", limit: 100, unit: "tasks", window: 0, for: 5 * MINUTE },
  QueueDepthHigh: { side: "above", limit: 1000, unit: "tasks", window: 0, for: 5 * MINUTE },
  HandlerFailuresHigh: { side: "above", limit: 0.1, unit: "share", window: 5 * MINUTE, for: 0 },
  TaskErrorRateHigh: { side: "above", limit: 0.05, unit: "share", window: 5 * MINUTE, for: 5 * MINUTE },
  TaskDurationHigh: { side: "above", limit: 5 * MINUTE, unit: "s", window: 15 * MINUTE, for: 5 * MINUTE },
  RunDurationP99High: { side: "above", limit: 300, unit: "s", window: 15 * MINUTE, for: 5 * MINUTE },
  WorkerExitsWithError: { side: "above", limit: 5, unit: "exits", window: 10 * MINUTE, for: 0 },
  WorkerErrorsHigh: { side: "above", limit: 10, unit: "errors", window: MINUTE, for: 0 },
  WorkersTooFew: { side: "below", limit: 2, unit: "workers", window: 0, for: 5 * MINUTE },
  RedisKeyMemoryHigh: { side: "above", limit: 500 * MEGABYTE, unit: "bytes", window: 0, for: 5 * MINUTE },
  RedisMemoryHigh: { side: "above", limit: 0.8, unit: "share", window: 0, for: 5 * MINUTE },
  RecordGap: { side: "above", limit: 0, unit: "changes", window: 10 * MINUTE, for: 0 },
  RecordLagHigh: { side: "above", limit: 5 * MINUTE, unit: "s", window: 0, for: 5 * MINUTE },
  BackupTooOld: { side: "above", limit: 2 * DAY, unit: "s", window: 0, for: 60 * MINUTE },
  NoLeader: { side: "below", limit: 1, unit: "spawners", window: 0, for: 2 * MINUTE },
  QueuePaused: { side: "above", limit: 0, unit: "queues", window: 0, for: 30 * MINUTE },
  ScrapeTargetDown: { side: "below", limit: 1, unit: "targets", window: 0, for: 5 * MINUTE },
} as const satisfies Record<string, AlertLimit>;

export type AlertName = keyof typeof ALERT_LIMITS;

/** Limits in place of those above. */
export type AlertOverrides = { readonly [Name in AlertName]?: Partial<Omit<AlertLimit, "unit" | "side">> };

/** All limits, with these changes. */
export function alertLimits(overrides: AlertOverrides = {}): Readonly<Record<AlertName, AlertLimit>> {
  const names = Object.keys(ALERT_LIMITS) as AlertName[];
  const entries = names.map((name) => [name, { ...ALERT_LIMITS[name], ...overrides[name] }] as const);
  return Object.fromEntries(entries) as Record<AlertName, AlertLimit>;
}

const COUNT = new Intl.NumberFormat("en", { useGrouping: false });
const one = (count: number, name: string) => `${COUNT.format(count)} ${name}`;

function time(seconds: number): string {
  if (seconds >= DAY && seconds % DAY === 0) return one(seconds / DAY, "d");
  return seconds % MINUTE === 0 ? one(seconds / MINUTE, "min") : one(seconds, "s");
}

function amount({ limit, unit }: AlertLimit): string {
  if (unit === "s") return time(limit);
  if (unit === "share") return one(limit * 100, "%");
  if (unit === "bytes") return one(limit / MEGABYTE, "MB");
  return one(limit, limit === 1 ? unit.replace(/s$/, "") : unit);
}

/** A limit in words: `above 10 % in 5 min`, `below 2 workers, for 5 min`. */
export function limitText(limit: AlertLimit): string {
  const within = limit.window === 0 ? "" : ` in ${time(limit.window)}`;
  const lasting = limit.for === 0 ? "" : `, for ${time(limit.for)}`;
  return `${limit.side} ${amount(limit)}${within}${lasting}`;
}

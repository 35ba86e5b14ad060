/** What one load test found; also the file under `.var/reports`. Times in ms. */

export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadReport {
  readonly v: 1;
  /** When it began, ISO 8601 in UTC. */
  readonly at: string;
  readonly stream: string;
  /** How tasks were pushed and results were read. */
  readonly via: "redis" | "api";
  /** Address of that Redis, or of that API. */
  readonly target: string;
  readonly kind: string;
  /** Tasks a second that were due. */
  readonly rate: number;
  readonly duration_ms: number;
  /** Tasks that were due, each of which has ended in one of the ways below. */
  readonly due: number;
  readonly ends: Readonly<Record<TaskEnd, number>>;
  /** From the moment a task was due, not from when it was sent, to the moment its result was here. */
  readonly latency_ms: Latency;
  /** How late tasks were sent, the load generator's own fault. */
  readonly late_ms: Latency;
  readonly max_p99_ms: number | null;
  readonly max_errors: number;
  readonly passed: boolean;
  /** What was over its threshold. */
  readonly faults: readonly string[];
}

/** `refused`: not taken by the queue. `limited`: over the API's limit of calls (429). `unfinished`: no end was seen before the test gave up. */
export const TASK_ENDS = [
  "success",
  "error",
  "dead",
  "cancelled",
  "refused",
  "limited",
  "unfinished",
] as const;
export type TaskEnd = (typeof TASK_ENDS)[number];

/** One task that was due. Moments in ms since the test began. */
export interface Sample {
  readonly dueMs: number;
  readonly sentMs: number;
  /** For one without an end: when the test gave up, so that what hangs counts as slow and not as absent. */
  readonly endedMs: number;
  readonly end: TaskEnd;
}

export interface Thresholds {
  /** In ms; `null`: any. */
  readonly maxP99Ms: number | null;
  /** Tasks that may end without success. */
  readonly maxErrors: number;
}

export type Judgement = Pick<
  LoadReport,
  "due" | "ends" | "latency_ms" | "late_ms" | "max_p99_ms" | "max_errors" | "passed" | "faults"
>;

/** Adds the samples up and holds them against the thresholds. At least one sample. */
export function judgeLoad(samples: readonly Sample[], { maxP99Ms, maxErrors }: Thresholds): Judgement {
  const ends = Object.fromEntries(TASK_ENDS.map((end) => [end, 0])) as Record<TaskEnd, number>;
  for (const { end } of samples) ends[end]++;
  const latency = spread(samples.map(({ dueMs, endedMs }) => endedMs - dueMs));
  const errors = samples.length - ends.success;
  const faults = [
    ...(maxP99Ms !== null && latency.p99 > maxP99Ms
      ? [`p99 is ${latency.p99} ms, ${maxP99Ms} are allowed`]
      : []),
    ...(errors > maxErrors
      ? [`${errors} of ${samples.length} tasks did not succeed, ${maxErrors} are allowed`]
      : []),
    // The fleet never saw the load that was asked for.
    ...(ends.limited > 0
      ? [
          `${ends.limited} of ${samples.length} tasks were over the API's limit of calls (429): use a key with a rate ` +
            "of its own (taskfleet api-key create --rate 0), or a lower --rate",
        ]
      : []),
  ];
  return {
    due: samples.length,
    ends,
    latency_ms: latency,
    late_ms: spread(samples.map(({ dueMs, sentMs }) => sentMs - dueMs)),
    max_p99_ms: maxP99Ms,
    max_errors: maxErrors,
    passed: faults.length === 0,
    faults,
  };
}

function spread(values: readonly number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
}

/** Nearest rank of sorted values, in ms with a tenth. */
function quantile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return Math.round((sorted[rank - 1] ?? 0) * 10) / 10;
}

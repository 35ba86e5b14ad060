/** What the demo's run amounted to, and whether that is what its input demands. Pure. */
import type { DeadLetter, FailureReason, ResultRecord } from "../../../worker/contract/records.ts";

/** How one pushed task stands at the end. */
export type DemoOutcome =
  | { readonly state: "settled"; readonly result: ResultRecord }
  | { readonly state: "dead"; readonly letter: DeadLetter }
  | { readonly state: "open" };

/** What the input demands of one task. */
export type Expectation = "success" | "success-on-third-run" | "dead" | `error:${FailureReason}`;

export interface DemoTask {
  readonly id: string;
  readonly expect: Expectation;
}

/** How often tasks ended, by how; a task that ended twice counts twice. */
export interface Ends {
  readonly success: number;
  readonly error: number;
  readonly cancelled: number;
  readonly dead: number;
}

/** Counters of the queue, read before and after the run and subtracted. */
export interface QueueCounts {
  readonly ends: Ends;
  readonly reclaimed: number;
  readonly lateRefused: number;
  readonly mostWorkers: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export interface DemoSummary {
  readonly pushed: number;
  readonly done: number;
  /** Tasks that ran more than once because a run failed. */
  readonly retried: number;
  readonly deadLettered: number;
  readonly open: number;
  /** From push to the start of the run that ended the task, of tasks that were not retried. In ms. */
  readonly wait: Percentiles;
  /** The run that ended the task. In ms. */
  readonly run: Percentiles;
  readonly mostWorkers: number;
  readonly reclaimed: number;
  readonly lateRefused: number;
  /** Programs that no sandbox may let through: all, and those that ended with the expected reason. */
  readonly hostile: { readonly all: number; readonly asExpected: number };
}

const NO_ENDS: Ends = { success: 0, error: 0, cancelled: 0, dead: 0 };

/** Ends of all these kinds together. */
export function sumEnds(kinds: readonly Ends[]): Ends {
  return kinds.reduce(
    (sum, kind) => ({
      success: sum.success + kind.success,
      error: sum.error + kind.error,
      cancelled: sum.cancelled + kind.cancelled,
      dead: sum.dead + kind.dead,
    }),
    NO_ENDS,
  );
}

/** Nearest-rank percentile, `share` from 0 to 1; 0 of nothing. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const percentiles = (values: readonly number[]): Percentiles => ({
  p50: percentile(values, 0.5),
  p99: percentile(values, 0.99),
});

const isHostile = ({ expect }: DemoTask) => expect.startsWith("error:");

export function summarise(
  tasks: readonly DemoTask[],
  outcomes: readonly DemoOutcome[],
  counts: QueueCounts,
): DemoSummary {
  const results = outcomes.flatMap((outcome) => (outcome.state === "settled" ? [outcome.result] : []));
  const started = results.flatMap((result) =>
    result.started_at === undefined ? [] : [{ ...result, started_at: result.started_at }],
  );
  const firstRuns = started.filter((result) => result.attempts === 1);
  const dead = outcomes.filter((outcome) => outcome.state === "dead");
  const retriedDead = dead.filter((outcome) => outcome.letter.attempts > 1).length;
  return {
    pushed: outcomes.length,
    done: results.filter((result) => result.status === "success").length,
    retried: results.filter((result) => result.attempts > 1).length + retriedDead,
    deadLettered: dead.length,
    open: outcomes.filter((outcome) => outcome.state === "open").length,
    wait: percentiles(firstRuns.map((result) => Math.max(0, result.started_at - result.enqueued_at))),
    run: percentiles(started.map((result) => result.finished_at - result.started_at)),
    mostWorkers: counts.mostWorkers,
    reclaimed: counts.reclaimed,
    lateRefused: counts.lateRefused,
    hostile: {
      all: tasks.filter(isHostile).length,
      asExpected: tasks.filter((task, at) => isHostile(task) && complaint(task, outcomes[at]) === undefined)
        .length,
    },
  };
}

/** Where one task differs from what its input demands; `undefined` when it does not. */
function complaint(task: DemoTask, outcome: DemoOutcome | undefined): string | undefined {
  if (outcome === undefined || outcome.state === "open")
    return `task ${task.id} has neither a result nor a dead letter`;
  if (task.expect === "dead") {
    if (outcome.state === "settled")
      return `task ${task.id} ended as ${outcome.result.status}, expected a dead letter`;
    const runs = outcome.letter.attempts;
    return runs === 3 ? undefined : `dead letter ${task.id} shows ${runs} runs, expected 3`;
  }
  if (outcome.state === "dead") return `task ${task.id} is dead-lettered: ${outcome.letter.message}`;
  const { status, attempts, error } = outcome.result;
  if (isHostile(task)) {
    const ended = `${status}:${error?.reason ?? ""}`;
    return ended === task.expect ? undefined : `task ${task.id} ended as ${ended}, expected ${task.expect}`;
  }
  if (status !== "success") return `task ${task.id} ended as ${status}: ${error?.message ?? "no message"}`;
  const runs = task.expect === "success" ? 1 : 3;
  return attempts === runs ? undefined : `task ${task.id} took ${attempts} runs, expected ${runs}`;
}

/** Ends that the queue counted beyond one for each task, or short of it. */
function endProblems(tasks: readonly DemoTask[], { ends }: QueueCounts): string[] {
  const dead = tasks.filter(({ expect }) => expect === "dead").length;
  const error = tasks.filter(isHostile).length;
  const demanded: Ends = { ...NO_ENDS, success: tasks.length - dead - error, error, dead };
  return (["success", "error", "cancelled", "dead"] as const).flatMap((status) =>
    ends[status] === demanded[status]
      ? []
      : [`the queue counted ${ends[status]} ends as ${status}, expected ${demanded[status]}`],
  );
}

/** Everything that is not as the input demands; empty when the demo succeeded. */
export function problems(
  tasks: readonly DemoTask[],
  outcomes: readonly DemoOutcome[],
  counts: QueueCounts,
): string[] {
  const found = tasks.flatMap((task, at) => complaint(task, outcomes[at]) ?? []);
  found.push(...endProblems(tasks, counts));
  if (counts.reclaimed < 2) found.push(`${counts.reclaimed} tasks were reclaimed, expected at least 2`);
  if (counts.lateRefused < 1) found.push("no late result was refused, expected at least 1");
  return found;
}

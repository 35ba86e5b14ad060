import { EXIT } from "../../contract/exit-codes.ts";
import type { Results, TaskOutcome } from "../adapters/redis/results.ts";
import { type ShownOutcome, statusOf } from "./output/outcome.ts";
import type { ProgressBar } from "./output/progress.ts";

/** Why a wait ended before all outcomes were there. */
export type WaitEnd = "complete" | "timeout" | "interrupted";

export interface WaitOptions {
  /** In ms; for ever when it is missing. */
  readonly timeoutMs: number | undefined;
  readonly progress: ProgressBar;
}

/** Waits for outcomes until all are there, the time is over, or somebody presses Ctrl-C. */
export async function waitForOutcomes(
  results: Results,
  ids: readonly string[],
  { timeoutMs, progress }: WaitOptions,
): Promise<{ outcomes: Map<string, TaskOutcome>; end: WaitEnd }> {
  const ending = new AbortController();
  let end: WaitEnd = "complete";
  const endBy = (reason: WaitEnd) => () => {
    end = reason;
    ending.abort();
  };
  const interrupt = endBy("interrupted");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  const timer = timeoutMs === undefined ? undefined : setTimeout(endBy("timeout"), timeoutMs);
  const outcomes = new Map<string, TaskOutcome>();
  progress.start(new Set(ids).size);
  try {
    const onOutcome = (id: string, outcome: TaskOutcome) => {
      outcomes.set(id, outcome);
      progress.set(outcomes.size);
    };
    await results.wait(ids, { signal: ending.signal, onOutcome });
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    progress.stop();
  }
  return { outcomes, end: outcomes.size === new Set(ids).size ? "complete" : end };
}

/** The exit code for outcomes: a failed task counts more than a missing one. */
export function exitCodeOf(outcomes: readonly ShownOutcome[], end: WaitEnd): number {
  if (end === "interrupted") return EXIT.interrupted;
  const statuses = outcomes.map(statusOf);
  if (statuses.some((status) => status !== "success" && status !== "open")) return EXIT.failed;
  return statuses.includes("open") ? EXIT.timeout : EXIT.ok;
}

import type { TaskOutcome } from "../../adapters/redis/results.ts";
import { pairs, table } from "./table.ts";
import { oneLine, paint } from "./terminal.ts";
import { formatDuration } from "./units.ts";

/** How a task stands, in one word; `open`: it waits, runs, or no such task is known. */
export type OutcomeStatus = "success" | "error" | "cancelled" | "dead" | "open";

export function statusOf(outcome: TaskOutcome): OutcomeStatus {
  if (outcome.state === "settled") return outcome.result.status;
  return outcome.state;
}

/** One line of `--json`: `{"id", "status", "result"?, "dead_letter"?}`. */
export function outcomeJson(id: string, outcome: TaskOutcome): string {
  const head = { id, status: statusOf(outcome) };
  if (outcome.state === "settled") return JSON.stringify({ ...head, result: outcome.result });
  if (outcome.state === "dead") return JSON.stringify({ ...head, dead_letter: outcome.letter });
  return JSON.stringify(head);
}

const STYLES = { success: "green", error: "red", cancelled: "yellow", dead: "red", open: "dim" } as const;

/** Outcomes for people: everything about a single one, a table of several. */
export function showOutcomes(outcomes: readonly (readonly [string, TaskOutcome])[]): string {
  const [only] = outcomes;
  if (only !== undefined && outcomes.length === 1) return showOne(...only);
  const rows = outcomes.map(([id, outcome]) => [
    id,
    painted(outcome),
    kindOf(outcome),
    attemptsOf(outcome),
    ranFor(outcome),
    oneLine(summary(outcome), 80),
  ]);
  return table(["id", "status", "kind", "runs", "took", "output"], rows, { right: [3, 4] });
}

function showOne(id: string, outcome: TaskOutcome): string {
  const head: [string, string][] = [
    ["id", id],
    ["status", painted(outcome)],
  ];
  if (outcome.state === "open") return pairs([...head, ["", "waits or runs, or no such task is known"]]);
  head.push(["kind", kindOf(outcome)], ["runs", attemptsOf(outcome)]);
  if (outcome.state === "dead") {
    const errors = outcome.letter.errors.map(
      ({ attempt, message, worker_id }) => `  run ${attempt} on ${worker_id}: ${oneLine(message, 400)}\n`,
    );
    return `${pairs([...head, ["buried", new Date(outcome.letter.buried_at).toISOString()]])}${errors.join("")}`;
  }
  const { result } = outcome;
  head.push(["took", ranFor(outcome)], ["worker", result.worker_id], ["handler", result.handler_version]);
  head.push(["image", result.image_tag]);
  if (result.error !== undefined)
    head.push(["error", `${oneLine(result.error.message, 400)} (${result.error.reason})`]);
  const output = result.output === undefined ? "" : `${JSON.stringify(result.output, undefined, 2)}\n`;
  return `${pairs(head)}${output}`;
}

function painted(outcome: TaskOutcome): string {
  const status = statusOf(outcome);
  return paint(STYLES[status], status);
}

function kindOf(outcome: TaskOutcome): string {
  if (outcome.state === "open") return "";
  return outcome.state === "dead" ? outcome.letter.kind : outcome.result.kind;
}

function attemptsOf(outcome: TaskOutcome): string {
  if (outcome.state === "open") return "";
  return String(outcome.state === "dead" ? outcome.letter.attempts : outcome.result.attempts);
}

function ranFor(outcome: TaskOutcome): string {
  if (outcome.state !== "settled" || outcome.result.started_at === undefined) return "";
  return formatDuration(outcome.result.finished_at - outcome.result.started_at);
}

/** Output or error in one piece of text. */
export function summary(outcome: TaskOutcome): string {
  if (outcome.state === "open") return "";
  if (outcome.state === "dead") return outcome.letter.message;
  if (outcome.result.error !== undefined) return outcome.result.error.message;
  return outcome.result.output === undefined ? "" : JSON.stringify(outcome.result.output);
}

import type { TaskOutcome } from "../../adapters/redis/results.ts";
import { pairs, table } from "./table.ts";
import { oneLine, paint } from "./terminal.ts";
import { formatDuration } from "./units.ts";

/** An outcome, where it was also looked whether there is such a task at all. */
export type ShownOutcome = TaskOutcome | { readonly state: "unknown" };

/** How a task stands, in one word; `open`: it waits or runs. */
export type OutcomeStatus = "success" | "error" | "cancelled" | "dead" | "open" | "unknown";

export function statusOf(outcome: ShownOutcome): OutcomeStatus {
  if (outcome.state === "settled") return outcome.result.status;
  return outcome.state;
}

/** One line of `--json`: `{"id", "status", "result"?, "dead_letter"?}`. */
export function outcomeJson(id: string, outcome: ShownOutcome): string {
  const head = { id, status: statusOf(outcome) };
  if (outcome.state === "settled") return JSON.stringify({ ...head, result: outcome.result });
  if (outcome.state === "dead") return JSON.stringify({ ...head, dead_letter: outcome.letter });
  return JSON.stringify(head);
}

const STYLES = {
  success: "green",
  error: "red",
  cancelled: "yellow",
  dead: "red",
  open: "dim",
  unknown: "yellow",
} as const;
const UNENDED = {
  open: "waits or runs",
  unknown: "no such task: it was never pushed here, or its result has expired",
} as const;

/** Outcomes for people: everything about a single one, a table of several. */
export function showOutcomes(outcomes: readonly (readonly [string, ShownOutcome])[]): string {
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

function showOne(id: string, outcome: ShownOutcome): string {
  const head: [string, string][] = [
    ["id", id],
    ["status", painted(outcome)],
  ];
  if (isUnended(outcome)) return pairs([...head, ["", UNENDED[outcome.state]]]);
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

function isUnended(outcome: ShownOutcome): outcome is { readonly state: "open" | "unknown" } {
  return outcome.state === "open" || outcome.state === "unknown";
}

function painted(outcome: ShownOutcome): string {
  const status = statusOf(outcome);
  return paint(STYLES[status], status);
}

function kindOf(outcome: ShownOutcome): string {
  if (isUnended(outcome)) return "";
  return outcome.state === "dead" ? outcome.letter.kind : outcome.result.kind;
}

function attemptsOf(outcome: ShownOutcome): string {
  if (isUnended(outcome)) return "";
  return String(outcome.state === "dead" ? outcome.letter.attempts : outcome.result.attempts);
}

function ranFor(outcome: ShownOutcome): string {
  if (outcome.state !== "settled" || outcome.result.started_at === undefined) return "";
  return formatDuration(outcome.result.finished_at - outcome.result.started_at);
}

/** Output or error in one piece of text. */
export function summary(outcome: ShownOutcome): string {
  if (isUnended(outcome)) return "";
  if (outcome.state === "dead") return outcome.letter.message;
  if (outcome.result.error !== undefined) return outcome.result.error.message;
  return outcome.result.output === undefined ? "" : JSON.stringify(outcome.result.output);
}

/** What `verify` prints. Pure. */
import Table from "cli-table3";
import type { Subject } from "./facts.ts";
import { judge, problemsOf } from "./judge.ts";
import type { Verdict, Verified } from "./verdict.ts";

export interface Judged {
  readonly subject: Subject;
  readonly verdicts: readonly Verdict[];
}

export const judgeAll = (subjects: readonly Subject[]): readonly Judged[] =>
  subjects.map((subject) => ({ subject, verdicts: judge(subject) }));

export const isProven = (judged: readonly Judged[]): boolean =>
  judged.every(({ verdicts }) => problemsOf(verdicts).length === 0);

const HEADS: Readonly<Record<Verified, string>> = {
  uid: "uid",
  capabilities: "capabilities",
  noNewPrivileges: "no new privileges",
  seccomp: "seccomp",
  readOnlyRoot: "read-only root",
  pids: "processes",
  memory: "memory",
  namespaces: "namespaces",
  engineSocket: "engine's socket",
  privileged: "privileged",
  attempts: "tried",
};

const NO_BORDERS = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
    .map((name) => [name, ""]),
);

function cell({ state, found }: Verdict): string {
  if (state === "failed") return `FAILED: ${found}`;
  return state === "lost" ? "lost" : found;
}

/** A row for each container or worker; columns that say nothing of any are left out. */
export function table(judged: readonly Judged[]): string {
  const controls = (judged[0]?.verdicts ?? []).map(({ control }) => control);
  const shown = controls.filter((_, at) => judged.some(({ verdicts }) => verdicts[at]?.state !== "none"));
  const drawn = new Table({
    head: ["", ...shown.map((control) => HEADS[control])],
    chars: { ...NO_BORDERS, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  for (const { subject, verdicts } of judged) {
    const own = verdicts.filter(({ control }) => shown.includes(control));
    drawn.push([subject.name, ...own.map(cell)]);
  }
  return drawn
    .toString()
    .split("\n")
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** A line for each control that does not hold, or is not proven, or is lost here. */
export function explanations(judged: readonly Judged[]): string {
  return judged
    .flatMap(({ subject, verdicts }) =>
      verdicts
        .filter(({ state }) => state !== "ok" && state !== "none")
        .map(({ control, state, why }) => `${subject.name}: ${HEADS[control]}: ${state}: ${why}\n`),
    )
    .join("");
}

/** The same for programs. */
export function toJson(judged: readonly Judged[]): string {
  const subjects = judged.map(({ subject: { name, service, pid }, verdicts }) => ({
    ...{ name, service, pid, ok: problemsOf(verdicts).length === 0 },
    controls: Object.fromEntries(
      verdicts.map(({ control, state, found, why }) => [
        control,
        { state, found, ...(why === "" ? {} : { why }) },
      ]),
    ),
  }));
  return `${JSON.stringify({ ok: isProven(judged), subjects })}\n`;
}

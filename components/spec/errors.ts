/** One thing that is wrong with a spec. */
export interface SpecProblem {
  /** Where, as written: `classes.gpu.scaling.max`. */
  readonly path: string;
  /** What was found, ready to print. */
  readonly received: string;
  /** What is allowed there. */
  readonly allowed: string;
  /** What to do about it. */
  readonly wayOut: string;
}

/** The spec is refused; `problems` holds every reason, in the spec's order. */
export class SpecError extends Error {
  readonly problems: readonly SpecProblem[];

  constructor(problems: readonly SpecProblem[]) {
    const lines = problems.map(
      ({ path, received, allowed, wayOut }) => `  ${path}: got ${received}; allowed: ${allowed}. ${wayOut}`,
    );
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`the fleet's spec has ${count}:\n${lines.join("\n")}`);
    this.name = "SpecError";
    this.problems = problems;
  }
}

const LONGEST_SHOWN = 60;

/** A received value as a short text; never `undefined`, never more than a line. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

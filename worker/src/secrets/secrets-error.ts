import { TaskfleetError } from "../core/errors.ts";

/** Thrown when secrets cannot be read at start, with every source that failed. */
export class SecretsError extends TaskfleetError {
  override readonly name = "SecretsError";
  /** A line each: the source and why. */
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`secrets: ${count}:`, ...problems.map((problem) => `  - ${problem}`)].join("\n"));
    this.problems = problems;
  }
}

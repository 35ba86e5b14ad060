import { TaskfleetError } from "../core/errors.ts";

/** One thing that is wrong with the configuration. */
export interface SettingProblem {
  /** Name of the environment variable. */
  readonly variable: string;
  /** The value as received; a secret's is never kept. */
  readonly received: string;
  /** What the variable may hold. */
  readonly allowed: string;
  /** What to do about it. */
  readonly wayOut: string;
}

function line({ variable, received, allowed, wayOut }: SettingProblem): string {
  return `${variable} is ${received}; allowed: ${allowed}. ${wayOut}`;
}

/** Thrown by `loadSettings` with everything that is wrong, not only the first. */
export class SettingsError extends TaskfleetError {
  override readonly name = "SettingsError";
  readonly problems: readonly SettingProblem[];
  constructor(problems: readonly SettingProblem[]) {
    const count = problems.length === 1 ? "1 setting is wrong" : `${problems.length} settings are wrong`;
    super([`${count}:`, ...problems.map((problem) => `  - ${line(problem)}`)].join("\n"));
    this.problems = problems;
  }
}

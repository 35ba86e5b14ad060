import { TaskfleetError } from "../core/errors.ts";
import type { Handler } from "../handler.ts";

/** One thing that is wrong with a module of the handlers folder, or with the folder. */
export interface HandlerProblem {
  readonly file: string;
  readonly message: string;
}

/** Thrown by `loadHandlers` with everything that is wrong, not only the first. */
export class HandlersError extends TaskfleetError {
  override readonly name = "HandlersError";
  readonly problems: readonly HandlerProblem[];
  /** Those that are in order. */
  readonly others: readonly Handler[];
  constructor(problems: readonly HandlerProblem[], others: readonly Handler[] = []) {
    const count = problems.length === 1 ? "1 handler is wrong" : `${problems.length} handlers are wrong`;
    super([`${count}:`, ...problems.map(({ file, message }) => `  - ${file}: ${message}`)].join("\n"));
    this.problems = problems;
    this.others = others;
  }
}

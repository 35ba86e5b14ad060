/** Collects what keeps a role from starting, so that all of it is said at once. */

import { TaskfleetError } from "../core/errors.ts";
import { HandlersError } from "../handlers/handlers-error.ts";
import { SecretsError } from "../secrets/secrets-error.ts";
import { SettingsError } from "./settings-error.ts";

/** Thrown at start when more than one kind of thing is wrong, or something is missing. */
export class StartError extends TaskfleetError {
  override readonly name = "StartError";
  /** A paragraph each, without values of secrets. */
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(["it cannot start:", ...problems].join("\n"));
    this.problems = problems;
  }
}

type Expected = SettingsError | HandlersError | SecretsError;

function isExpected(error: unknown): error is Expected {
  return error instanceof SettingsError || error instanceof HandlersError || error instanceof SecretsError;
}

export class StartProblems {
  readonly #errors: Expected[] = [];
  readonly #missing: string[] = [];

  /** What the attempt gives; `undefined` when settings, handlers or secrets are wrong, which is kept. */
  async look<Found>(attempt: () => Promise<Found> | Found): Promise<Found | undefined> {
    try {
      return await attempt();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#errors.push(error);
      return undefined;
    }
  }

  /** The errors so far, of one class. */
  handlersError(): HandlersError | undefined {
    return this.#errors.find((error) => error instanceof HandlersError);
  }

  /** A line for each thing that is not there. */
  missing(lines: readonly string[]): void {
    this.#missing.push(...lines);
  }

  /** Throws the one error as it is, or a `StartError` with everything. */
  throwIfAny(): void {
    const [first, ...others] = this.#errors;
    if (this.#missing.length === 0) {
      if (first === undefined) return;
      if (others.length === 0) throw first;
    }
    const lines = this.#missing.map((line) => `  - ${line}`);
    const count = lines.length === 1 ? "1 thing is missing:" : `${lines.length} things are missing:`;
    throw new StartError([
      ...this.#errors.map(({ message }) => message),
      ...(lines.length === 0 ? [] : [[count, ...lines].join("\n")]),
    ]);
  }
}

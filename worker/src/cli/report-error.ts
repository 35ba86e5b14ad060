import { EXIT } from "../../contract/exit-codes.ts";

/** An expected error of a command: one line, a way out, the exit code. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;
  /** What to do about it; printed on a line of its own. */
  readonly hint: string | undefined;
  constructor(message: string, exitCode: number, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Prints an error for people, `<program>: <line>` and a hint, and gives the exit code. */
export function reportError(program: string, error: unknown): number {
  if (error instanceof CliError) {
    process.stderr.write(`${program}: ${error.message}\n`);
    if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${program}: unexpected error, please report it\n${text}\n`);
  return EXIT.failed;
}

import { EXIT } from "../../contract/exit-codes.ts";
import { SettingsError } from "../config/settings-error.ts";
import {
  NoReplicaError,
  QueueFullError,
  RedisUnavailableError,
  TaskfleetError,
  TaskRefusedError,
  UnconfirmedError,
} from "../core/errors.ts";
import { MigrationsMissingError, StoreRefusedError, StoreUnavailableError } from "../ports/activity-store.ts";

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
  const { message, exitCode, hint } = explain(program, error);
  process.stderr.write(`${program}: ${message}\n`);
  if (hint !== undefined) process.stderr.write(`  ${hint}\n`);
  return exitCode;
}

interface Explanation {
  readonly message: string;
  readonly exitCode: number;
  readonly hint: string | undefined;
}

function explain(program: string, error: unknown): Explanation {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return unexpected(String(error));
  const { message } = error;
  if (error instanceof RedisUnavailableError)
    return {
      message: `${message}${inAlready(error.enqueued)}`,
      exitCode: EXIT.unavailable,
      hint: `Is it running? \`${program} up\` starts a fleet here with its Redis; REDIS_URL names another one.`,
    };
  if (error instanceof StoreRefusedError) return { message, exitCode: EXIT.unavailable, hint: error.wayOut };
  if (error instanceof StoreUnavailableError)
    return { message, exitCode: EXIT.unavailable, hint: "DATABASE_URL names the database of the record." };
  if (error instanceof MigrationsMissingError) return { message, exitCode: EXIT.failed, hint: undefined };
  if (error instanceof UnconfirmedError || error instanceof NoReplicaError)
    return { message, exitCode: EXIT.unavailable, hint: undefined };
  if (error instanceof QueueFullError)
    return { message: `${message}${inAlready(error.enqueued)}`, exitCode: EXIT.full, hint: undefined };
  if (error instanceof TaskRefusedError || error instanceof SettingsError)
    return { message, exitCode: EXIT.usage, hint: undefined };
  if (error instanceof TaskfleetError) return { message, exitCode: EXIT.failed, hint: undefined };
  return unexpected(error.stack ?? message);
}

function inAlready(ids: readonly string[]): string {
  return ids.length === 0 ? "" : ` (${ids.length} of the tasks are in already)`;
}

function unexpected(text: string): Explanation {
  return { message: `unexpected error, please report it\n${text}`, exitCode: EXIT.failed, hint: undefined };
}

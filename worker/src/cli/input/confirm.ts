import { EXIT } from "../../../contract/exit-codes.ts";
import { CliError } from "../report-error.ts";
import { canAsk, question } from "./question.ts";

export interface ConfirmOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Whether somebody is to be asked first. @throws CliError when nobody can be: `what` follows "nobody can be asked ". */
export function mustAsk({ dryRun, yes, json }: ConfirmOptions, what: string): boolean {
  if (dryRun === true || yes === true) return false;
  if (canAsk() && json !== true) return true;
  throw new CliError(
    `nobody can be asked ${what}; nothing was changed`,
    EXIT.usage,
    "--dry-run shows what would be done; --yes does it without asking.",
  );
}

/** Asks; anything but y or yes is no. */
export async function agreed(text: string): Promise<boolean> {
  if (/^\s*y(es)?\s*$/i.test(await question(`${text} [y/N] `))) return true;
  process.stderr.write("nothing was changed\n");
  return false;
}

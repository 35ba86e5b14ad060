/** The queue's command line, as a user would call it, on the demo's stack. */
import type { WorkerReport } from "../../../worker/contract/records.ts";
import { PATHS } from "../../paths.ts";
import { CommandError } from "../command-error.ts";
import { stackEnvironment, withStack } from "../environment.ts";
import { runProgram } from "./run-program.ts";
import type { Ends } from "./summary.ts";

/** What the demo reads of `taskfleet status --json`. */
export interface Status {
  readonly queue: {
    readonly waiting: number;
    readonly running: number;
    readonly delayed: number;
    readonly deadLetters: number;
  };
  readonly workers: readonly (WorkerReport & { readonly holding: number })[];
  readonly leader: string | null;
  readonly kinds: readonly (Ends & { readonly kind: string })[];
  readonly counters: { readonly late: number; readonly reclaimed: number };
}

/** Runs one command and returns what it printed; `accept` lists the exit codes that are no failure. */
export async function queueCommand(
  stack: string,
  words: readonly string[],
  { input = "", accept = [0] }: { input?: string; accept?: readonly number[] } = {},
): Promise<string> {
  const env = withStack(process.env, stackEnvironment(stack));
  const options = { cwd: PATHS.root, env, input };
  const { code, stdout } = await runProgram(process.execPath, [PATHS.workerMain, ...words], options);
  if (code === null || !accept.includes(code))
    throw new CommandError(`taskfleet ${words[0]} ended with ${code ?? "a signal"}`, code ?? 1);
  return stdout.toString("utf8");
}

export async function readStatus(stack: string): Promise<Status> {
  return JSON.parse(await queueCommand(stack, ["status", "--json"])) as Status;
}

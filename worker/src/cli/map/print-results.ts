import type { ExecuteOutput } from "../../handlers/execute.ts";
import { statusOf, summary } from "../output/outcome.ts";
import { oneLine } from "../output/terminal.ts";
import type { MappedFile } from "./run-map.ts";

/** What a program printed on a file, as bytes. */
interface Printed {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const NOTHING: Printed = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

/** Bytes of an `execute` result, also of a failed one; nothing for a task that never ran a program. */
export function printedBy({ outcome }: MappedFile): Printed {
  const output = outcome.state === "settled" ? outcome.result.output : undefined;
  if (!isExecuteOutput(output)) return NOTHING;
  return {
    stdout: Buffer.from(output.stdout, output.stdoutEncoding),
    stderr: Buffer.from(output.stderr, output.stderrEncoding),
  };
}

/** One line of `--json`: the file, how its task ended, and the program's output as `execute` encodes it. */
export function mappedJson({ file, id, outcome }: MappedFile): string {
  const head = { file: file.name, id, status: statusOf(outcome) };
  if (outcome.state !== "settled") return JSON.stringify({ ...head, error: summary(outcome) });
  const { output, error, attempts, worker_id } = outcome.result;
  return JSON.stringify({
    ...head,
    ...(isExecuteOutput(output) ? output : {}),
    ...(error === undefined ? {} : { error: error.message }),
    attempts,
    worker_id,
  });
}

/** Why a file failed, on one line: `"a b.txt": error: execute: the program exited with status 2`. */
export function failureLine(mapped: MappedFile): string {
  const status = statusOf(mapped.outcome);
  const reason = oneLine(summary(mapped.outcome), 400);
  return `${JSON.stringify(mapped.file.name)}: ${status}${reason === "" ? "" : `: ${reason}`}`;
}

function isExecuteOutput(value: unknown): value is ExecuteOutput {
  return (
    typeof value === "object" && value !== null && "stdoutEncoding" in value && "stderrEncoding" in value
  );
}

import { once } from "node:events";
import { createInterface } from "node:readline/promises";

/** Whether somebody sits at a terminal who can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks on standard error and returns the line that is typed, "" when the input ends without one. Ctrl-C is the
 * process' SIGINT, as ever.
 */
export async function question(text: string, signal?: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // The interface takes Ctrl-C from the terminal while it reads.
    lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
    const ended = once(lines, "close").then(() => "");
    return await Promise.race([lines.question(text, signal === undefined ? {} : { signal }), ended]);
  } finally {
    lines.close();
  }
}

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How a command ended, with the last lines of its output. */
export interface CommandEnd {
  readonly code: number;
  readonly tail: string;
}

const TAIL_LINES = 15;

/**
 * Runs a command quietly and gives each line of stdout and stderr to `onLine`. Code 127 when it cannot be
 * started, 128 when a signal ended it.
 */
export function runCommand(
  command: readonly [string, ...string[]],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly onLine?: (line: string) => void;
  },
): Promise<CommandEnd> {
  const [file, ...rest] = command;
  const tail: string[] = [];
  const take = (line: string) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    options.onLine?.(line);
  };
  return new Promise((resolve) => {
    const child = spawn(file, rest, {
      stdio: ["inherit", "pipe", "pipe"],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", take);
    child.on("error", (error) => resolve({ code: 127, tail: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 128, tail: tail.join("\n") }));
  });
}

import { spawn } from "node:child_process";

export interface ProgramOptions {
  readonly cwd: string;
  /** Default: this process' own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Its standard input. */
  readonly input: string | Buffer;
}

export interface ProgramEnd {
  /** `null`: a signal ended it. */
  readonly code: number | null;
  readonly stdout: Buffer;
}

/** Runs a program to its end; its standard error goes where this process' goes. Rejects when it cannot be started. */
export async function runProgram(
  program: string,
  words: readonly string[],
  { cwd, env = process.env, input }: ProgramOptions,
): Promise<ProgramEnd> {
  const child = spawn(program, words, { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  const printed: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, stdout: Buffer.concat(printed) };
}

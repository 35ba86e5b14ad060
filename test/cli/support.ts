import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../worker/src/main.ts", import.meta.url));

export interface CliRun {
  readonly code: number | null;
  readonly out: string;
  /** Standard output, byte for byte. */
  readonly bytes: Buffer;
  readonly err: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  readonly cwd?: string;
}

/** A clean environment, so that no setting or secret of the machine gets into a test. */
export function cleanEnv(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME, ...extra };
}

/** Starts the real command line; its output is collected by `finished`. */
export function startCli(words: readonly string[], options: CliOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...words], {
    env: cleanEnv(options.env),
    cwd: options.cwd,
    stdio: ["pipe", "pipe", "pipe"],
  });
  // A command that refuses its input early does not read all of it.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input ?? "");
  return child;
}

/** Waits for a command's end. */
export async function finished(child: ChildProcess): Promise<CliRun> {
  const parts = { out: [] as Buffer[], err: [] as Buffer[] };
  child.stdout?.on("data", (chunk: Buffer) => parts.out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => parts.err.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  const bytes = Buffer.concat(parts.out);
  return { code, bytes, out: bytes.toString("utf8"), err: Buffer.concat(parts.err).toString("utf8") };
}

/** Runs one command line to its end. */
export function cli(words: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return finished(startCli(words, options));
}

/** The objects of JSON Lines. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The one object of a `--json` answer that has no more. */
export function jsonLine(text: string): Record<string, unknown> {
  const [only, ...more] = jsonLines(text);
  if (only === undefined || more.length > 0) throw new Error(`expected one line of JSON, got: ${text}`);
  return only;
}

/** Runs `docker` and Compose: with a time limit, without our secrets, and with their own words when they fail. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { TaskfleetError } from "../../core/errors.ts";

/** Docker or Compose failed or did not answer. */
export class EngineError extends TaskfleetError {
  override readonly name = "EngineError";
}

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** Lines of its standard error that are no failure. */
  readonly harmless?: RegExp;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

const OUTPUT_BYTES = 64 * 1024 * 1024;
const DOCKER_VARIABLE = /^(DOCKER_|COMPOSE_)|^(PATH|HOME|TMPDIR|LANG)$/;
const INTERPOLATED_VARIABLE = /^WORKER_/;

/** What Docker's client may know of our environment. */
export function dockerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return pick(env, (name) => DOCKER_VARIABLE.test(name));
}

/** The same for Compose, which also puts `WORKER_*` into its files as a shell would. */
export function composeEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return pick(env, (name) => DOCKER_VARIABLE.test(name) || INTERPOLATED_VARIABLE.test(name));
}

function pick(env: NodeJS.ProcessEnv, which: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => which(name)));
}

/**
 * Its standard output.
 * @throws EngineError when it fails for another reason than the harmless ones.
 */
export async function runCommand(words: readonly string[], options: CommandOptions): Promise<string> {
  const [program = "", ...rest] = words;
  const { env, cwd, signal, timeoutMs, harmless } = options;
  try {
    const given = {
      env,
      cwd,
      signal,
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: OUTPUT_BYTES,
    } as const;
    const { stdout } = await promisify(execFile)(program, rest, { ...given, encoding: "utf8" });
    return stdout;
  } catch (error) {
    const { stdout = "", stderr = "", killed } = error as Error & Partial<Record<string, string>>;
    const lines = stderr.split("\n").filter((line) => line.trim() !== "");
    if (harmless !== undefined && lines.length > 0 && lines.every((line) => harmless.test(line)))
      return stdout;
    const command = [program, ...rest.slice(0, 2)].join(" ");
    const why = killed ? `no answer within ${timeoutMs / 1000} s` : reasonOf(lines, error as Error);
    throw new EngineError(`${command}: ${why}`, { cause: error });
  }
}

const LAST_LINES = 3;

function reasonOf(lines: readonly string[], error: Error): string {
  return lines.length === 0 ? error.message : lines.slice(-LAST_LINES).join("; ").trim();
}

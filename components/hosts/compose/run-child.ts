import { spawn } from "node:child_process";
import { codeOf, HostError } from "../errors.ts";
import type { RunOptions, ShellEnd } from "./host-shell.ts";

export const DEFAULT_TIMEOUT_SECONDS = 120;

/** Runs a program of this machine to its end. A program that is not there ends with 127, as in a shell. */
export function runChild(
  [program = "", ...words]: readonly string[],
  { directory, stdin = "", timeoutSeconds = DEFAULT_TIMEOUT_SECONDS }: RunOptions,
  environment: NodeJS.ProcessEnv,
): Promise<ShellEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      env: environment,
      stdio: ["pipe", "pipe", "pipe"],
      ...(directory === undefined ? {} : { cwd: directory }),
    });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutSeconds * 1000);
    child.on("error", (error) => {
      clearTimeout(timer);
      if (codeOf(error) === "ENOENT") resolve({ code: 127, stdout: "", stderr: `${program}: not found` });
      else reject(new HostError(`cannot start ${program}: ${error.message}`, { cause: error }));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (late) reject(new HostError(`${program} did not end within ${timeoutSeconds} s: ended`));
      else
        resolve({
          code: code ?? 128,
          ...output,
          ...(code === null ? { stderr: `${output.stderr}\nended by ${signal}` } : {}),
        });
    });
    // Who does not read what it is given has its reason in its own words.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
  });
}

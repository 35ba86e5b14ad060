import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { HostError } from "./errors.ts";
import { withPort } from "./process-files.ts";
import type { ProcessInputs } from "./process-inputs.ts";
import { environmentOf } from "./start-process.ts";

const TIMEOUT_MS = 60_000;

/**
 * Asks what is to take a running process' place whether it would start; of one that has no such question, nothing.
 * @throws HostError with what it answered.
 */
export async function checkStart(inputs: ProcessInputs, port: number): Promise<void> {
  const { name, command, directory, startCheck } = inputs;
  if (startCheck === undefined) return;
  const words = startCheck.map((word) => withPort(word, port));
  const options = { cwd: directory, env: environmentOf(inputs, port), timeout: TIMEOUT_MS };
  try {
    await promisify(execFile)(command, words, options);
  } catch (error) {
    const { stderr, stdout, message } = error as Error & {
      readonly stderr?: string;
      readonly stdout?: string;
    };
    const said = [stderr, stdout].map((text) => (text ?? "").trim()).filter((text) => text !== "");
    throw new HostError(
      `${name} would not start as it is to be, so the one that runs was left alone:\n${said.join("\n") || message}`,
      { cause: error },
    );
  }
}

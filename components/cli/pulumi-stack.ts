import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { CommandError } from "./command-error.ts";
import { engineEnvironment } from "./environment.ts";
import { runCommand } from "./run-command.ts";
import type { SetupStep } from "./setup-step.ts";
import { assertUnlocked } from "./stack-lock.ts";
import { DEFAULT_STACK } from "./stack-name.ts";

/** `name` in `Pulumi.yaml`. */
export const PROJECT = "taskfleet";

/** The environment of every `pulumi` that the command line starts. */
export interface Engine {
  readonly environment: NodeJS.ProcessEnv;
  readonly backendUrl: string;
}

export function findEngine(environment: NodeJS.ProcessEnv): Engine {
  const merged = { ...environment, ...engineEnvironment(environment) };
  return { environment: merged, backendUrl: merged.PULUMI_BACKEND_URL ?? "" };
}

/** A file back end can be looked into, which saves starting the engine. */
function hasStateFile({ backendUrl }: Engine, stack: string): boolean {
  if (!backendUrl.startsWith("file:///")) return false;
  const folder = fileURLToPath(backendUrl.replace(/\?.*$/, ""));
  return existsSync(join(folder, ".pulumi", "stacks", PROJECT, `${stack}.json`));
}

function quietly({ environment }: Engine, ...words: readonly string[]) {
  return runCommand(["pulumi", ...words, "--non-interactive"], { cwd: PATHS.root, env: environment });
}

export async function stackExists(engine: Engine, stack: string): Promise<boolean> {
  if (hasStateFile(engine, stack)) return true;
  const { code } = await quietly(engine, "stack", "select", stack);
  return code === 0;
}

export async function ensureStack(engine: Engine, stack: string): Promise<void> {
  if (hasStateFile(engine, stack)) return;
  const { code, tail } = await quietly(engine, "stack", "select", stack, "--create");
  if (code !== 0) throw new CommandError(`cannot create stack ${stack}: ${tail}`, EXIT.failed);
}

/**
 * Runs `pulumi` on a stack in the foreground, with its own output. Ctrl-C reaches it by the terminal: it
 * finishes what is under way, so this command only waits. Throws when it fails; a lock is explained.
 */
export async function runPulumi(engine: Engine, stack: string, words: readonly string[]): Promise<void> {
  const address = { backendUrl: engine.backendUrl, project: PROJECT, stack };
  assertUnlocked(address);
  const child = spawn("pulumi", [...words, "--stack", stack], {
    cwd: PATHS.root,
    env: engine.environment,
    stdio: "inherit",
  });
  let interrupted = false;
  const onInterrupt = () => {
    interrupted = true;
  };
  const onTerminate = () => child.kill("SIGINT");
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    if (code === 0) return;
    if (interrupted)
      throw new CommandError(`${words[0]} of stack ${stack} was interrupted`, EXIT.interrupted);
    // Someone else may have taken the lock between the look at it and the engine's own.
    assertUnlocked(address);
    throw new CommandError(`pulumi ${words[0]} of stack ${stack} failed: see above`, EXIT.failed);
  } finally {
    process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate);
  }
}

/** The stack that plain `pulumi up -s local` means; other back ends than a folder are the user's to fill. */
export function firstStackStep(environment: NodeJS.ProcessEnv): SetupStep {
  const isThere = () => {
    const engine = findEngine(environment);
    return !engine.backendUrl.startsWith("file:///") || hasStateFile(engine, DEFAULT_STACK);
  };
  return {
    name: `stack ${DEFAULT_STACK}`,
    check: isThere,
    run: () => ensureStack(findEngine(environment), DEFAULT_STACK),
  };
}

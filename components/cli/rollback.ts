import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Command } from "commander";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { GIVEN } from "../platform/image-settings.ts";
import { VARIABLE } from "../targets/compose/names.ts";
import { CommandError } from "./command-error.ts";
import { type Engine, findEngine, runPulumi, stackExists } from "./pulumi-stack.ts";
import { checkStackName, defaultStack } from "./stack-name.ts";

/** Config keys by the variable of `.env` that has the image. */
const KEYS: Readonly<Record<string, string>> = {
  [VARIABLE.image]: GIVEN.worker,
  [VARIABLE.watchImage]: GIVEN["watch-queue"],
  [VARIABLE.backupImage]: GIVEN.backup,
};

async function pulumi({ environment }: Engine, ...words: readonly string[]): Promise<string> {
  try {
    const options = { cwd: PATHS.root, env: environment };
    return (await promisify(execFile)("pulumi", [...words, "--non-interactive"], options)).stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    throw new CommandError(`pulumi ${words[0]} failed: ${(stderr ?? "").trim() || message}`, EXIT.failed);
  }
}

/** Config keys and references of the images of before, from the stack's outputs. Empty: there were none. */
export function imagesBefore(outputs: string): readonly (readonly [string, string])[] {
  const { previousImages = {} } = JSON.parse(outputs) as {
    readonly previousImages?: Readonly<Record<string, string>>;
  };
  return Object.entries(previousImages).flatMap(([variable, reference]) => {
    const key = KEYS[variable];
    return key === undefined ? [] : [[`taskfleet:${key}`, reference] as const];
  });
}

async function rollback(stack: string): Promise<void> {
  checkStackName(stack);
  const engine = findEngine(process.env);
  if (!(await stackExists(engine, stack))) throw new CommandError(`there is no stack ${stack}`, EXIT.failed);
  const images = imagesBefore(await pulumi(engine, "stack", "output", "--json", "-s", stack));
  if (images.length === 0)
    throw new CommandError(`stack ${stack} had no other images: there is nothing to go back to`, EXIT.failed);
  for (const [key, reference] of images) await pulumi(engine, "config", "set", key, reference, "-s", stack);
  await runPulumi(engine, stack, ["up", "--yes", "--skip-preview"]);
  const lift = images.map(([key]) => `pulumi config rm ${key} -s ${stack}`).join(" && ");
  process.stdout.write(
    `Stack ${stack} runs ${images.map(([, reference]) => reference).join(", ")} and stays with them.\n` +
      `To follow this checkout again: ${lift}\n`,
  );
}

/** Adds `taskfleet rollback`. */
export function register(program: Command): void {
  program
    .command("rollback")
    .description(
      "go back to the images of before the last update that changed one (stacks of target compose)",
    )
    .option("-s, --stack <name>", "the stack", defaultStack(process.env))
    .action(({ stack }: { stack: string }) => rollback(stack));
}

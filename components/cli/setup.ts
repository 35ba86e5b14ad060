import type { Command } from "commander";
import { firstStackStep } from "./pulumi-stack.ts";
import { bubblewrapStep } from "./setup-bubblewrap.ts";
import { engineStep } from "./setup-engine.ts";
import { postgresStep } from "./setup-postgres.ts";
import { type ProgressOutput, StepProgress } from "./setup-progress.ts";
import { redisStep } from "./setup-redis.ts";
import { sandboxStep } from "./setup-sandbox.ts";
import type { SetupStep } from "./setup-step.ts";
import { wrappersCurrent, writeWrappers } from "./setup-wrappers.ts";

/** The steps in their order; npm packages and Node 24 come before them, from the launcher itself. */
export function setupSteps(environment: NodeJS.ProcessEnv): readonly SetupStep[] {
  return [
    redisStep(environment),
    engineStep(environment),
    postgresStep(environment),
    bubblewrapStep(environment),
    sandboxStep(environment),
    {
      name: "executables in .taskfleet/bin",
      check: () => wrappersCurrent(environment),
      run: async () => writeWrappers(environment),
    },
    firstStackStep(environment),
  ];
}

/** Runs the steps that have something to do; `verbose` names the others too. */
export async function setUp(
  steps: readonly SetupStep[],
  { output, verbose, now }: { output: ProgressOutput; verbose: boolean; now: () => number },
): Promise<void> {
  for (const step of steps) {
    const progress = new StepProgress(step.name, output, now);
    if (step.check()) {
      if (verbose) progress.end("there");
      continue;
    }
    progress.begin();
    try {
      progress.end((await step.run((detail) => progress.update(detail))) ?? "done");
    } catch (error) {
      progress.end("failed");
      throw error;
    }
  }
}

/** Adds `taskfleet setup`. */
export function register(program: Command): void {
  program
    .command("setup")
    .description(
      "install and build what is missing: Redis, PostgreSQL, the Pulumi engine, the sandbox, command wrappers",
    )
    .action(() => setUp(setupSteps(process.env), { output: process.stderr, verbose: true, now: Date.now }));
}

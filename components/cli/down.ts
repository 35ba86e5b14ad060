import { rm } from "node:fs/promises";
import type { Command } from "commander";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { stackPaths } from "../paths.ts";
import { stopLeftovers } from "../targets/local/leftovers.ts";
import { stackEnvironment } from "./environment.ts";
import { findEngine, runPulumi, stackExists } from "./pulumi-stack.ts";
import { checkStackName, defaultStack } from "./stack-name.ts";

interface DownOptions {
  readonly stack: string;
  readonly deleteData?: boolean;
}

async function down({ stack, deleteData }: DownOptions): Promise<void> {
  checkStackName(stack);
  const engine = findEngine(process.env);
  const paths = stackPaths(stack);
  const { directory } = paths;
  // Before the stack's files go: the spec may have named another folder.
  const backups = stackEnvironment(stack)?.[SETTINGS.backupDirectory.env] ?? paths.backups;
  const exists = await stackExists(engine, stack);
  if (exists) await runPulumi(engine, stack, ["destroy", "--yes", "--skip-preview"]);
  const leftovers = await stopLeftovers(paths);
  const state = exists ? `Stack ${stack} is down` : `There is no stack ${stack}`;
  const found =
    leftovers.length === 0 ? "" : `; an interrupted update had left ${leftovers.join(", ")}: stopped`;
  if (deleteData === true) await rm(directory, { recursive: true, force: true });
  const data =
    deleteData === true
      ? `${directory} is removed, backups stay in ${backups}`
      : `the data of queue and record, if any, stays in ${directory}`;
  process.stdout.write(`${state}${found}; ${data}.\n`);
}

/** Adds `taskfleet down`. */
export function register(program: Command): void {
  program
    .command("down")
    .description("drain the workers and stop all that a stack started (runs pulumi destroy)")
    .option("-s, --stack <name>", "the stack", defaultStack(process.env))
    .option("--delete-data", "remove the data of queue and record, logs and bundles too")
    .action(down);
}

import { rm } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { DELETE_DATA_VARIABLE } from "../hosts/compose/compose-project.ts";
import { readProjectRecord } from "../hosts/compose/project-record.ts";
import { stackPaths } from "../paths.ts";
import { describeLeftovers, takeDownLeftovers } from "../targets/compose/leftovers.ts";
import { stopLeftovers } from "../targets/local/leftovers.ts";
import { CommandError } from "./command-error.ts";
import { type Engine, findEngine, runPulumi, stackExists } from "./pulumi-stack.ts";
import { checkStackName, defaultStack } from "./stack-name.ts";

interface DownOptions {
  readonly stack: string;
  readonly deleteData?: boolean;
  readonly yes?: boolean;
}

/** Volumes of an engine that others may share: asked for once more. @throws CommandError for another answer than yes */
async function confirm(stack: string, project: string): Promise<void> {
  const again = `taskfleet down -s ${stack} --delete-data --yes`;
  if (!process.stdin.isTTY)
    throw new CommandError(
      `--delete-data removes queue, record and backups of project ${project}: ${again}`,
      EXIT.usage,
    );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Remove queue, record and backups of project ${project} for good? [y/N] `;
    const answer = await terminal.question(question);
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandError("nothing was changed", EXIT.failed);
  } finally {
    terminal.close();
  }
}

async function downCompose(
  engine: Engine,
  { stack, deleteData = false, yes = false }: DownOptions,
): Promise<void> {
  const { composeRecord } = stackPaths(stack);
  const record = await readProjectRecord(composeRecord);
  if (deleteData && !yes && record !== null) await confirm(stack, record.project);
  const exists = await stackExists(engine, stack);
  const environment = { ...engine.environment, [DELETE_DATA_VARIABLE]: String(deleteData) };
  if (exists) await runPulumi({ ...engine, environment }, stack, ["destroy", "--yes", "--skip-preview"]);
  const left = await takeDownLeftovers(stackPaths(stack), deleteData);
  process.stdout.write(`Stack ${stack} is down; ${describeLeftovers(left, record, deleteData)}.\n`);
}

async function downLocal(engine: Engine, { stack, deleteData }: DownOptions): Promise<void> {
  const paths = stackPaths(stack);
  const { directory } = paths;
  const exists = await stackExists(engine, stack);
  if (exists) await runPulumi(engine, stack, ["destroy", "--yes", "--skip-preview"]);
  const leftovers = await stopLeftovers(paths);
  const state = exists ? `Stack ${stack} is down` : `There is no stack ${stack}`;
  const found =
    leftovers.length === 0 ? "" : `; an interrupted update had left ${leftovers.join(", ")}: stopped`;
  if (deleteData === true) await rm(directory, { recursive: true, force: true });
  const data =
    deleteData === true
      ? `${directory} is removed, backups stay in ${paths.backups}`
      : `the data of queue and record, if any, stays in ${directory}`;
  process.stdout.write(`${state}${found}; ${data}.\n`);
}

/** A stack of target `compose` has left a record of its project. */
async function down(options: DownOptions): Promise<void> {
  checkStackName(options.stack);
  const engine = findEngine(process.env);
  const record = await readProjectRecord(stackPaths(options.stack).composeRecord);
  await (record === null ? downLocal : downCompose)(engine, options);
}

/** Adds `taskfleet down`. */
export function register(program: Command): void {
  program
    .command("down")
    .description("drain the workers and stop all that a stack started (runs pulumi destroy)")
    .option("-s, --stack <name>", "the stack", defaultStack(process.env))
    .option("--delete-data", "remove the data of queue and record too (compose: its volumes, and asks first)")
    .option("-y, --yes", "do not ask")
    .action(down);
}

import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `worker [--check]`: the role that runs tasks. */
export function define(command: Command, ends: Action): void {
  command
    .option("--check", "test settings, secrets, handlers and Redis, then end: exit code 0, or what is wrong")
    .action((options: { check?: boolean }) => ends(options.check === true ? check() : run()));
  examples(command, [
    ["% worker", "run tasks of the streams in TASKFLEET_QUEUE_NAME until SIGTERM"],
    ["WORKER_CONCURRENCY=8 % worker", "settings are variables: see docs/configuration.md"],
    ["% worker --check", "would it start?"],
  ]);
}

async function run(): Promise<number> {
  const { runWorker } = await import("../roles/worker.ts");
  return runWorker(process.env);
}

async function check(): Promise<number> {
  const { printStartCheck } = await import("../roles/start-check.ts");
  return printStartCheck(process.env, "worker");
}

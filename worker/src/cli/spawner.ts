import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `spawner [--check]`: the role that looks after the queue and scales the workers. */
export function define(command: Command, ends: Action): void {
  command
    .option("--check", "test settings, secrets, handlers and Redis, then end: exit code 0, or what is wrong")
    .action((options: { check?: boolean }) => ends(options.check === true ? check() : run()));
  examples(command, [
    ["% spawner", "look after the queue until SIGTERM; of several, one leads"],
    ["TASKFLEET_ACTUATOR=process % spawner", "and start and stop workers on this machine"],
    ["% spawner --check", "would it start?"],
  ]);
}

async function run(): Promise<number> {
  const { runSpawner } = await import("../roles/spawner.ts");
  return runSpawner(process.env);
}

async function check(): Promise<number> {
  const { printStartCheck } = await import("../roles/start-check.ts");
  return printStartCheck(process.env, "spawner");
}

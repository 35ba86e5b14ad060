import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `supervise [--check]`: starts a worker as its child and records why that one ended. */
export function define(command: Command, ends: Action): void {
  command
    .option("--check", "confine a worker, load the handlers, end; prints the controls as JSON")
    .action(({ check }: { check?: boolean }) => ends(check === true ? runCheck() : run()));
  examples(command, [
    ["% supervise", "what the spawner starts for each worker; not meant to be typed"],
    ["TASKFLEET_CONFINE=on % supervise --check", "how a worker would be confined here"],
  ]);
}

async function run(): Promise<number> {
  const { runSupervisor } = await import("../roles/supervisor.ts");
  return runSupervisor(process.env);
}

async function runCheck(): Promise<number> {
  const { checkConfinement } = await import("../roles/confinement-check.ts");
  return checkConfinement(process.env);
}

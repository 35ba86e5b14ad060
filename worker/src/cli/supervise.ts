import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `supervise`: starts a worker as its child and records why that one ended. */
export function define(command: Command, ends: Action): void {
  command.action(() => ends(run()));
  examples(command, [["% supervise", "what the spawner starts for each worker; not meant to be typed"]]);
}

async function run(): Promise<number> {
  const { runSupervisor } = await import("../roles/supervisor.ts");
  return runSupervisor(process.env);
}

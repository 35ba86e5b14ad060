import type { Command } from "commander";
import type { Action } from "./commands.ts";

/** `spawner`: the role that looks after the queue and scales the workers. */
export function define(command: Command, ends: Action): void {
  command.action(() => ends(run()));
}

async function run(): Promise<number> {
  const { runSpawner } = await import("../roles/spawner.ts");
  return runSpawner(process.env);
}

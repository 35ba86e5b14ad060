import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `spawner`: the role that looks after the queue and scales the workers. */
export function define(command: Command, ends: Action): void {
  command.action(() => ends(run()));
  examples(command, [
    ["% spawner", "look after the queue until SIGTERM; of several, one leads"],
    ["TASKFLEET_ACTUATOR=process % spawner", "and start and stop workers on this machine"],
  ]);
}

async function run(): Promise<number> {
  const { runSpawner } = await import("../roles/spawner.ts");
  return runSpawner(process.env);
}

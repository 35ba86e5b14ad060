import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `watch-queue`: the role that starts and removes workers' containers on Compose. */
export function define(command: Command, ends: Action): void {
  command.action(() => ends(run()));
  examples(command, [
    [
      "TASKFLEET_WATCH_PROJECT=fleet TASKFLEET_WATCH_DIRECTORY=/srv/fleet % watch-queue",
      "keep service `worker` at the number that the spawner wants, until SIGTERM",
    ],
    [
      "TASKFLEET_WATCH=worker=peagen.tasks,worker-gpu=peagen.tasks.gpu ... % watch-queue",
      "several services; settings are variables: see docs/configuration.md",
    ],
  ]);
}

async function run(): Promise<number> {
  const { runWatchQueue } = await import("../roles/watch-queue.ts");
  return runWatchQueue(process.env);
}

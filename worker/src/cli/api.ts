import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `api`: the role that serves the queue over HTTP. */
export function define(command: Command, ends: Action): void {
  command.action(() => ends(run()));
  examples(command, [
    ["% api", "serve the streams in TASKFLEET_QUEUE_NAME until SIGTERM"],
    ["TASKFLEET_API_PORT=9000 % api", "settings are variables: see docs/configuration.md"],
  ]);
}

async function run(): Promise<number> {
  const { runApi } = await import("../roles/api.ts");
  return runApi(process.env);
}

import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

/** `sandbox-broker`: the role that has Docker where workers must not. */
export function define(command: Command, ends: Action): void {
  command.action(() => ends(run()));
  examples(command, [
    [
      "TASKFLEET_SANDBOX_BROKER=/run/taskfleet/broker.sock TASKFLEET_BROKER_IMAGE=sandbox:1 % sandbox-broker",
      "serve the workers of this machine until SIGTERM",
    ],
    [
      "TASKFLEET_BROKER_RUNTIME=runsc TASKFLEET_BROKER_IMAGE=sandbox:1 % sandbox-broker",
      "with gVisor; settings are variables: see docs/configuration.md",
    ],
  ]);
}

async function run(): Promise<number> {
  const { runSandboxBroker } = await import("../roles/sandbox-broker.ts");
  return runSandboxBroker(process.env);
}

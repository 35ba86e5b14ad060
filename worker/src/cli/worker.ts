import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./commands.ts";

/** `worker [--check]`: the role that runs tasks. */
export function define(command: Command, ends: Action): void {
  command
    .option("--check", "test settings, handlers and Redis, then end")
    .action((options: { check?: boolean }) => ends(options.check ? check() : run()));
}

async function run(): Promise<number> {
  const { runWorker } = await import("../roles/worker.ts");
  return runWorker(process.env);
}

async function check(): Promise<number> {
  return EXIT.ok;
}

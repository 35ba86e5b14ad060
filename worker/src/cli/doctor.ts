import type { Command } from "commander";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

export interface DoctorOptions {
  readonly only?: string;
  readonly strict?: boolean;
  readonly reports: string;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `doctor`: the checklists, checked on the running fleet. */
export function define(command: Command, ends: Action): void {
  command
    .option("--only <ids>", "run these checks alone, with commas between them")
    .option("--strict", "a warning fails too")
    .option("--reports <folder>", "where reports of load tests are", ".var/reports")
    .option(...STREAM)
    .option("--json", "one JSON object")
    .action((options: DoctorOptions) =>
      ends(import("./doctor/command.ts").then(({ doctor }) => doctor(options))),
    );
  examples(command, [
    ["% doctor", "is this fleet ready for production?"],
    ["% doctor --only workers,worker-errors,backlog,connectivity", "before a deployment"],
    [`% doctor --json | jq -r '.checks[] | select(.status == "failed") | .id'`, "what failed, for programs"],
  ]);
  command.addHelpText(
    "after",
    "\nChanges nothing. Exit codes: 0 no check failed, 1 one did (--strict: or warned), 2 wrong usage.",
  );
}

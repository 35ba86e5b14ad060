import type { Command } from "commander";
import type { Action } from "../command.ts";
import { age, STREAM } from "../input/option-values.ts";
import { examples } from "../output/help.ts";

export interface PurgeOptions {
  readonly kind?: string;
  /** In ms. */
  readonly olderThan?: number;
  readonly waiting?: boolean;
  readonly delayed?: boolean;
  readonly dead?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `queue purge`: tasks out of the queue. */
export function definePurge(command: Command, ends: Action): void {
  command
    .description(
      "take tasks out of the queue that are not running; they get the result `cancelled`. What is pushed after it " +
        "began stays",
    )
    .option("--waiting", "those that wait for a worker")
    .option("--delayed", "those that are delayed or wait for a retry (default: --waiting and --delayed)")
    .option("--dead", "dead letters: export them first")
    .option("--kind <kind>", "only of this kind")
    .option(
      "--older-than <age>",
      "only those pushed (dead letters: buried) so long ago: 90s, 5m, 1h, 2d",
      age,
    )
    .option("--dry-run", "show what would go, and change nothing")
    .option("-y, --yes", "do not ask")
    .option(...STREAM)
    .option("--json", "one JSON object: purged, dry_run, and the numbers by kind")
    .action((options: PurgeOptions) =>
      ends(import("./run-purge.ts").then(({ runPurge }) => runPurge(options))),
    );
  examples(command, [
    ["% queue purge --dry-run", "what would go, by kind"],
    ["% queue purge --kind execute --older-than 1h --yes", "in a script"],
    ["% queue purge --dead", "the dead letters; asks first"],
  ]);
}

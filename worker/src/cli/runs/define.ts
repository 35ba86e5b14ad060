import type { Command } from "commander";
import { RESET_AFTER_S } from "../../../contract/runs.ts";
import type { Action } from "../command.ts";
import { age, STREAM } from "../input/option-values.ts";
import { examples } from "../output/help.ts";

export interface ResetRunsOptions {
  /** In ms. */
  readonly olderThan: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly stream?: string;
}

export interface PruneRunsOptions {
  /** In ms; default: the retention of the settings. */
  readonly olderThan?: number;
  readonly archive?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const DRY_RUN = ["--dry-run", "say what would be done, and change nothing"] as const;
const YES = ["-y, --yes", "do not ask"] as const;

/** `runs reset` and `runs prune`. */
export function defineUpkeep(command: Command, ends: Action): void {
  const reset = command
    .command("reset")
    .description(
      "put stuck runs back, by what the queue says of their tasks: tasks of silent workers are taken back, and the " +
        "record is mended where it is behind; what is alive is left alone",
    )
    .option(
      "--older-than <age>",
      "started, or pushed and not started, so long ago: 90s, 5m, 1h",
      age,
      RESET_AFTER_S * 1000,
    )
    .option(...DRY_RUN)
    .option(...YES)
    .option(...STREAM)
    .option("--json", "one JSON object a line: id, kind, status, worker_id, since, found, done")
    .action((options: ResetRunsOptions) =>
      ends(import("./reset.ts").then(({ resetCommand }) => resetCommand(options))),
    );
  examples(reset, [
    ["% runs reset --older-than 60m --dry-run", "what would be done"],
    ["% runs reset --older-than 60m --yes", "in a script"],
  ]);
  const prune = command
    .command("prune")
    .description("take runs that ended long ago out of the record, as the daily job does")
    .option("--older-than <age>", "last changed so long ago: 12h, 30d (default: TASKFLEET_RETENTION)", age)
    .option("--archive", "move them to the archive table (default: as TASKFLEET_RETENTION_MODE says)")
    .option(...DRY_RUN)
    .option(...YES)
    .option("--json", "one JSON object: pruned, mode, before, dry_run")
    .action((options: PruneRunsOptions) =>
      ends(import("./prune.ts").then(({ pruneCommand }) => pruneCommand(options))),
    );
  examples(prune, [
    ["% runs prune --older-than 30d --archive", "runs of a month ago, into the archive"],
    ["% runs prune --dry-run", "how many the daily job would take"],
  ]);
}

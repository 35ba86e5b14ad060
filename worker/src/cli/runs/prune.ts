import { EXIT } from "../../../contract/exit-codes.ts";
import { loadSettings } from "../../config/load-settings.ts";
import type { ActivityStore } from "../../ports/activity-store.ts";
import { expireAll } from "../../recorder/upkeep.ts";
import { agreed, mustAsk } from "../input/confirm.ts";
import { count } from "../output/units.ts";
import { CliError } from "../report-error.ts";
import type { PruneRunsOptions } from "./define.ts";
import { withRecord } from "./with-record.ts";

/** Of a dry run: more than any record has. */
const ALL = 2 ** 31 - 1;

/** `runs prune`. */
export function pruneCommand(options: PruneRunsOptions): Promise<number> {
  const asks = mustAsk(options, "whether these runs are to go");
  const settings = loadSettings(process.env, "cli");
  const ageMs = options.olderThan ?? settings.retention * 1000;
  if (options.olderThan === undefined && ageMs === 0)
    throw new CliError(
      "TASKFLEET_RETENTION is 0: runs are kept for ever",
      EXIT.usage,
      "--older-than 30d says which are to go all the same.",
    );
  const mode = options.archive === true ? "archive" : settings.retentionMode;
  const what = { before: Date.now() - ageMs, mode } as const;
  return withRecord(settings, async (store) => {
    if (options.dryRun === true || asks) {
      const found = await store.expire({ ...what, limit: ALL, dryRun: true });
      show(found, what, options, true);
      if (!asks || found === 0) return EXIT.ok;
      if (!(await agreed(mode === "archive" ? "Archive them?" : "Delete them?"))) return EXIT.failed;
    }
    show(await expireAll(store, what), what, options, false);
    return EXIT.ok;
  });
}

function show(
  pruned: number,
  { before, mode }: Pick<Parameters<ActivityStore["expire"]>[0], "before" | "mode">,
  options: PruneRunsOptions,
  dryRun: boolean,
): void {
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ pruned, mode, before, dry_run: dryRun })}\n`);
    return;
  }
  const done = mode === "archive" ? "archived" : "deleted";
  const runs = count(pruned, "run");
  const since = `unchanged since ${new Date(before).toISOString()}`;
  process.stdout.write(`${runs} ${since} ${dryRun ? `would be ${done}` : done}\n`);
}

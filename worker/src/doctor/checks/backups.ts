import { formatDuration } from "../../cli/output/units.ts";
import { type Check, failed, ok, skipped, warn } from "../check.ts";

const OLDEST_MS = 2 * 86_400_000;
const OLDEST_DRILL_MS = 90 * 86_400_000;

/** Backups are made, the last one lately, and one of them was restored in a drill. */
export const backups: Check = {
  id: "backups",
  title: "Database backups automated",
  source: "production checklist",
  run: ({ backups, now }) => {
    if ("unknown" in backups) return skipped(backups.unknown);
    const { lastSuccess, lastFailure, error, name, drill } = backups;
    const ago = (time: number) => `${formatDuration(now - time)} ago`;
    const failure = lastFailure === null ? "" : `; the last try failed ${ago(lastFailure)}: ${error}`;
    const wayOut = "taskfleet backup run makes one a day (docs/backup.md)";
    if (lastSuccess === null) return failed(`no backup was ever made${failure}`, wayOut);
    if (now - lastSuccess > OLDEST_MS)
      return failed(`the last backup, ${name}, is of ${ago(lastSuccess)}${failure}`, wayOut);
    const made = `the last backup, ${name}, is of ${ago(lastSuccess)}`;
    const test = "taskfleet backup drill restores it into empty servers of its own";
    if (drill === null) return warn(`${made}; no report says that one was restored`, test);
    if (!drill.passed) return failed(`${made}; ${drill.file} says that a restore failed`, test);
    if (now - drill.at > OLDEST_DRILL_MS)
      return warn(`${made}; the last restore drill is of ${ago(drill.at)}, 90 days are allowed`, test);
    return ok(`${made}; a restore drill passed ${ago(drill.at)}`);
  },
};

import { formatDuration } from "../../cli/output/units.ts";
import { type Check, failed, ofDatabase, ok } from "../check.ts";

/** Old runs are taken out of the record. Results expire in Redis by themselves. */
export const cleanup: Check = {
  id: "cleanup",
  title: "Cleanup jobs scheduled",
  source: "production checklist",
  run: (facts) =>
    ofDatabase(facts, () => {
      const { retention, source } = facts.fleet;
      if (retention > 0)
        return ok(`runs are kept for ${formatDuration(retention * 1000)} after their end (${source})`);
      return failed(`runs are kept for ever (${source})`, "set TASKFLEET_RETENTION, 2592000 s by default");
    }),
};

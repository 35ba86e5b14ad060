import { formatDuration } from "../../cli/output/units.ts";
import { type Check, failed, ofRedis, ok, skipped, warn } from "../check.ts";

/** The rest is for tasks, and for Redis' own copy while it writes its file anew. */
const SHARE = 0.5;
/** A rate is taken over a minute at least, or one burst would look like a flood without end. */
const LEAST_WINDOW_MS = 60_000;
const MIB = 1024 ** 2;

/** Results that are kept for their time to live fit into Redis' memory, at the rate of the last of them. */
export const retentionMemory: Check = {
  id: "retention-memory",
  title: "Results fit into memory for as long as they are kept",
  source: "hazards",
  run: (facts) =>
    ofRedis(facts, ({ results: { stored, meanBytes, oldestAt }, maxMemory }) => {
      const { resultTtl } = facts.fleet;
      if (oldestAt === null) return skipped("there are no results yet to judge by");
      const seconds = Math.max(LEAST_WINDOW_MS, facts.now - oldestAt) / 1000;
      const bytes = (stored / seconds) * resultTtl * meanBytes;
      const text = `${(stored / seconds).toFixed(1)} results a second of ${Math.round(meanBytes)} bytes for ${formatDuration(resultTtl * 1000)} are ${Math.ceil(bytes / MIB)} MiB`;
      if (maxMemory === 0)
        return warn(`${text}; Redis has no limit`, "set maxmemory below what the machine has");
      const limit = `${Math.round(maxMemory / MIB)} MiB`;
      if (bytes <= maxMemory * SHARE) return ok(`${text} of ${limit}`);
      return failed(`${text}, more than half of ${limit}`, "lower TASKFLEET_RESULT_TTL or raise maxmemory");
    }),
};

import { RUNTIME_BUCKETS } from "../../../contract/metrics.ts";
import { formatDuration } from "../../cli/output/units.ts";
import { type Check, failed, ofQueue, ok, skipped } from "../check.ts";
import { runtimeQuantile } from "../runtime-quantile.ts";

const QUANTILE = 0.99;
/** The histogram tells no more of longer ones. */
const LONGEST_MS = (RUNTIME_BUCKETS.at(-1) ?? 0) * 1000;

/** Nearly every task can finish when its worker is stopped. */
export const gracePeriod: Check = {
  id: "grace-period",
  title: "Grace period is longer than the p99 of run times",
  source: "hazards",
  run: (facts) =>
    ofQueue(facts, ({ stats }) => {
      const { gracefulShutdownTimeout: grace, source } = facts.fleet;
      const p99 = runtimeQuantile(stats, QUANTILE);
      if (p99 === null) return skipped("no task has run yet");
      const shown = Number.isFinite(p99) ? formatDuration(p99 * 1000) : `over ${formatDuration(LONGEST_MS)}`;
      const text = `p99 of run times ${shown}, grace period ${formatDuration(grace * 1000)} (${source})`;
      if (p99 <= grace) return ok(text);
      return failed(
        `${text}: tasks are handed back and run again whenever workers are replaced`,
        "raise TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT",
      );
    }),
};

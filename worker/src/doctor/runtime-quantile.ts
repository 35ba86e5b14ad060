import { RUNTIME_BUCKETS } from "../../contract/metrics.ts";
import { parseStatsField } from "../../contract/stats-fields.ts";

/**
 * A quantile of all run times, in seconds, from the histogram in the queue's counters; even within a bucket, as
 * Prometheus' `histogram_quantile` has it. `Infinity` when it lies beyond the last bound, `null` before the first run.
 */
export function runtimeQuantile(stats: Readonly<Record<string, number>>, quantile: number): number | null {
  const counts = Array.from({ length: RUNTIME_BUCKETS.length + 1 }, () => 0);
  for (const [name, value] of Object.entries(stats)) {
    const field = parseStatsField(name);
    if (field?.name === "runtime") counts[field.bucket] = (counts[field.bucket] ?? 0) + value;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = quantile * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const low = RUNTIME_BUCKETS[bucket - 1] ?? 0;
      const high = RUNTIME_BUCKETS[bucket] ?? Number.POSITIVE_INFINITY;
      return low + (high - low) * ((rank - below) / count);
    }
    below += count;
  }
  return Number.POSITIVE_INFINITY;
}

import { EXIT } from "../../../contract/exit-codes.ts";
import { DeadLetters } from "../../adapters/redis/dead-letters.ts";
import { type LetterCluster, LetterClusters } from "../../core/letter-clusters.ts";
import { table } from "../output/table.ts";
import { oneLine } from "../output/terminal.ts";
import { count, formatDuration } from "../output/units.ts";
import { withSession } from "../session.ts";
import type { ClustersOptions } from "./dlq.ts";

/** `queue dlq clusters`. */
export function showClusters(options: ClustersOptions): Promise<number> {
  const { kind, limit } = options;
  return withSession(options, async ({ redis, stream }) => {
    const clusters = new LetterClusters();
    for await (const page of new DeadLetters(redis, stream).pages({ kind })) clusters.add(page);
    const ranked = clusters.ranked();
    if (options.json === true)
      for (const cluster of ranked.slice(0, limit)) process.stdout.write(`${JSON.stringify(cluster)}\n`);
    else process.stdout.write(describe(ranked, limit, Date.now()));
    return EXIT.ok;
  });
}

function describe(ranked: readonly LetterCluster[], limit: number, now: number): string {
  if (ranked.length === 0) return "no dead letters\n";
  const rows = ranked
    .slice(0, limit)
    .map(({ fingerprint, count, kind, reason, first_at, last_at, id, message }) => [
      fingerprint,
      count.toLocaleString("en-US"),
      kind,
      reason,
      `${formatDuration(now - first_at)} ago`,
      `${formatDuration(now - last_at)} ago`,
      id,
      oneLine(message, 80),
    ]);
  const head = ["cluster", "count", "kind", "reason", "first", "last", "for example", "why"];
  const letters = ranked.reduce((sum, cluster) => sum + cluster.count, 0);
  const hidden = ranked.length > limit ? `, the largest ${limit} shown` : "";
  const total = `${count(letters, "dead letter")} in ${count(ranked.length, "cluster")}${hidden}`;
  return `${table(head, rows, { right: [1, 4, 5] })}${total}\n`;
}

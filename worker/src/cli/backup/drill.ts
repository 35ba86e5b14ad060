import { EXIT } from "../../../contract/exit-codes.ts";
import { findBackup } from "../../backup/catalog.ts";
import { runDrill, writeDrillReport } from "../../backup/drill.ts";
import type { DrillCommandOptions } from "../backup.ts";
import { pairs } from "../output/table.ts";
import { paint } from "../output/terminal.ts";
import { formatDuration } from "../output/units.ts";
import { TARGETS_HOLD_PART, targetDatabase, targetRedis, withBackups } from "./settings.ts";
import { comparisonTable } from "./show.ts";

/** `backup drill`. */
export function drill(name: string | undefined, options: DrillCommandOptions): Promise<number> {
  const folders = options.postgresPrograms === undefined ? [] : [options.postgresPrograms];
  const given = targetDatabase(options.databaseUrl) !== null || targetRedis(options.redisUrl) !== null;
  return withBackups(
    options,
    async ({ directory, programs, signal }) => {
      const backup = await findBackup(directory, name);
      const targets = {
        databaseUrl: targetDatabase(options.databaseUrl),
        redis: targetRedis(options.redisUrl),
      };
      const report = await runDrill({ ...targets, backup, programs, signal, now: Date.now });
      const file = writeDrillReport(options.reports, report);
      if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
      else {
        const { passed, faults, age_ms, duration_ms } = report;
        const result = passed ? paint("green", "passed") : paint("red", `failed: ${faults.join("; ")}`);
        process.stdout.write(
          `${pairs([
            ["backup", `${backup.name}, ${formatDuration(age_ms)} old`],
            ["took", formatDuration(duration_ms)],
          ])}\n${comparisonTable(report.comparisons)}\n${pairs([
            ["result", result],
            ["report", file],
          ])}`,
        );
      }
      return report.passed ? EXIT.ok : EXIT.failed;
    },
    folders,
    given ? TARGETS_HOLD_PART : undefined,
  );
}

import { EXIT } from "../../../contract/exit-codes.ts";
import { NotEmptyError } from "../../backup/backup-error.ts";
import { findBackup } from "../../backup/catalog.ts";
import { differences } from "../../backup/compare.ts";
import { restoreBackup } from "../../backup/restore.ts";
import type { RestoreCommandOptions } from "../backup.ts";
import { CliError } from "../report-error.ts";
import { TARGETS_HOLD_PART, targetDatabase, targetRedis, withBackups } from "./settings.ts";
import { comparisonTable } from "./show.ts";

/** `backup restore`. */
export function restore(name: string, options: RestoreCommandOptions): Promise<number> {
  const { redisUrl, redisDirectory } = options;
  if (redisUrl !== undefined && redisDirectory !== undefined)
    throw new CliError("--redis-url and --redis-directory: one of them", EXIT.usage);
  return withBackups(
    options,
    async ({ directory, programs, signal }) => {
      const databaseUrl = targetDatabase(options.databaseUrl);
      const queue = redisDirectory === undefined ? targetRedis(redisUrl) : { directory: redisDirectory };
      if (databaseUrl === null && queue === null)
        throw new CliError(
          "nothing says where to restore to",
          EXIT.usage,
          "--database-url, and --redis-url or --redis-directory, name empty servers.",
        );
      const { folder, manifest } = await findBackup(directory, name);
      try {
        const comparisons = await restoreBackup({ folder, manifest, programs, queue, databaseUrl, signal });
        const faults = differences(comparisons);
        if (options.json === true) process.stdout.write(`${JSON.stringify({ name, comparisons, faults })}\n`);
        else process.stdout.write(`${comparisonTable(comparisons)}\n${name}: ${outcome(faults)}\n`);
        if (queue === null)
          process.stderr.write("the queue was not asked for: --redis-url or --redis-directory\n");
        if (manifest.record !== null && databaseUrl === null)
          process.stderr.write("the record was not asked for: --database-url\n");
        return faults.length === 0 ? EXIT.ok : EXIT.failed;
      } catch (error) {
        if (options.ifEmpty !== true || !(error instanceof NotEmptyError)) throw error;
        process.stdout.write(`nothing restored: ${error.message}\n`);
        return EXIT.ok;
      }
    },
    [],
    TARGETS_HOLD_PART,
  );
}

function outcome(faults: readonly string[]): string {
  return faults.length === 0 ? "restored" : `restored, and not what was backed up: ${faults.join("; ")}`;
}

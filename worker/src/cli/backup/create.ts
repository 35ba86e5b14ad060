import { EXIT } from "../../../contract/exit-codes.ts";
import { pruneBackups } from "../../backup/catalog.ts";
import { createBackup } from "../../backup/create.ts";
import { createOptions, recordLeftOut } from "../../backup/create-options.ts";
import { noteSuccess } from "../../backup/note.ts";
import type { BackupOptions } from "../backup.ts";
import { count } from "../output/units.ts";
import { CliError } from "../report-error.ts";
import { withBackups } from "./settings.ts";

/** `backup create`. */
export function create(options: BackupOptions): Promise<number> {
  return withBackups(options, async ({ settings, directory, programs, signal }) => {
    const leftOut = recordLeftOut(settings, process.env);
    const hint = "Give it the URL of the backup role (docs/record.md says which that is).";
    if (leftOut !== undefined) throw new CliError(leftOut, EXIT.usage, hint);
    const made = await createBackup({ ...createOptions(settings, programs, signal), directory });
    const removed = await pruneBackups(directory, settings.backupKeep);
    // The backup is whole, whether or not the fleet hears of it.
    await noteSuccess(settings, made.manifest).catch((error: Error) => {
      process.stderr.write(
        `taskfleet: the fleet cannot be told of it, so doctor will not know: ${error.message}\n`,
      );
    });
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(made.manifest)}\n`);
      return EXIT.ok;
    }
    const { queue, record } = made.manifest;
    const rows = record?.tables.reduce((sum, table) => sum + table.rows, 0);
    const keys = queue.keyspace.keys + queue.keyspace.expiring.reduce((sum, bucket) => sum + bucket.keys, 0);
    const what = `${count(keys, "key")}, ${rows === undefined ? "no record" : count(rows, "row")}`;
    const old = removed.length === 0 ? "" : `; removed ${removed.join(", ")}`;
    process.stdout.write(`${made.folder}: ${what}${old}\n`);
    return EXIT.ok;
  });
}

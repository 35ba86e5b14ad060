import { EXIT } from "../../../contract/exit-codes.ts";
import { fileFaults, findBackup, type ListedBackup, listBackups } from "../../backup/catalog.ts";
import type { BackupOptions } from "../backup.ts";
import { table } from "../output/table.ts";
import { formatDuration } from "../output/units.ts";
import { withBackups } from "./settings.ts";

/** `backup list`. */
export function list(options: BackupOptions): Promise<number> {
  return withBackups(options, async ({ directory }) => {
    const backups = await listBackups(directory);
    if (options.json === true)
      for (const { name, at, manifest, fault } of backups)
        process.stdout.write(
          `${JSON.stringify({ name, at, fault: fault ?? null, manifest: manifest ?? null })}\n`,
        );
    else process.stdout.write(describe(backups, Date.now()));
    return EXIT.ok;
  });
}

function describe(backups: readonly ListedBackup[], now: number): string {
  if (backups.length === 0) return "no backups\n";
  const rows = backups.map(({ name, at, manifest, fault }) => {
    const age = `${formatDuration(now - at)} ago`;
    if (manifest === undefined) return [name, age, "", "", `broken: ${fault}`];
    const { queue, record } = manifest;
    const size = (file: { bytes: number } | undefined) => (file === undefined ? "" : mib(file.bytes));
    return [name, age, size(queue.dump), size(record?.dump), record === null ? "no record" : ""];
  });
  return table(["name", "made", "Redis", "PostgreSQL", ""], rows, { right: [1, 2, 3] });
}

function mib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** `backup verify`. */
export function verify(name: string | undefined, options: BackupOptions): Promise<number> {
  return withBackups(options, async ({ directory }) => {
    const backup = await findBackup(directory, name);
    const faults = await fileFaults(backup.folder, backup.manifest);
    if (options.json === true) process.stdout.write(`${JSON.stringify({ name: backup.name, faults })}\n`);
    else if (faults.length === 0)
      process.stdout.write(`${backup.name}: its files are as its manifest says\n`);
    else for (const fault of faults) process.stdout.write(`${backup.name}: ${fault}\n`);
    return faults.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

/** The record's half of a restore: tables by migrations, rows by `pg_restore`, digests of what is there then. */
import { join } from "node:path";
import { databaseAddress } from "../adapters/postgres/connection-string.ts";
import { withDatabase } from "../adapters/postgres/database.ts";
import { withLongConnection } from "../adapters/postgres/long-connection.ts";
import { migrate } from "../adapters/postgres/migrate.ts";
import { MIGRATIONS } from "../adapters/postgres/migrations/index.ts";
import { columnsOf, digestTables, recordTables } from "../adapters/postgres/record-digest.ts";
import { BackupError, NotEmptyError } from "./backup-error.ts";
import { type Comparison, compareTables, newerMigrations } from "./compare.ts";
import type { Manifest, RecordPart } from "./manifest.ts";
import { type Programs, runProgram } from "./programs.ts";
import { loginOf } from "./record-dump.ts";

export interface RecordTarget {
  /** Of the role that owns the tables, or is to own them. */
  readonly url: string;
  readonly programs: Programs;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** @throws BackupError when a table of the record has rows there. */
export async function demandEmptyDatabase(url: string, prefix: string): Promise<void> {
  const full = await withLongConnection(url, async (queries) => {
    const found: string[] = [];
    for (const table of recordTables(prefix)) {
      if ((await columnsOf(queries, table)).length === 0) continue;
      const [row] = await queries.query(`SELECT 1 FROM "${table}" LIMIT 1`);
      if (row !== undefined) found.push(table);
    }
    return found;
  });
  if (full.length === 0) return;
  throw new NotEmptyError(
    `the database ${databaseAddress(url)} is not empty: ${full.join(", ")} ${full.length === 1 ? "has" : "have"} rows; ` +
      "restore into an empty one",
  );
}

/** @throws BackupError when a newer version made the backup. */
export function demandKnownMigrations(manifest: Manifest): void {
  const newer = newerMigrations(
    manifest,
    MIGRATIONS.map(({ name }) => name),
  );
  if (newer.length === 0) return;
  throw new BackupError(`backup ${manifest.name} has migrations of a newer version: ${newer.join(", ")}`);
}

/** Restores into an empty database and says what is there then. */
export async function restoreRecord(part: RecordPart, target: RecordTarget): Promise<readonly Comparison[]> {
  const { url, programs, folder, signal } = target;
  const program = programs.find("pg_restore");
  await withDatabase(url, (database) => migrate(database, part.prefix));
  const { database, env, secrets } = loginOf(url);
  const words = ["--data-only", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"];
  await runProgram(
    program,
    [...words, "--no-password", `--dbname=${database}`, join(folder, part.dump.file)],
    {
      ...{ env, secrets, signal },
    },
  );
  return compareRecord(part, url);
}

/** What a database holds against the manifest, and whether further log lines will get numbers of their own. */
export function compareRecord(part: RecordPart, url: string): Promise<readonly Comparison[]> {
  return withLongConnection(url, async (queries) => {
    await queries.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const found = await digestTables(queries, part.tables);
    const [, log] = recordTables(part.prefix);
    const [row] = await queries.query<{ last: string; highest: string }>(
      `SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'seq')::regclass), 0)::text AS last,
         coalesce(max(seq), 0)::text AS highest FROM "${log}"`,
      [log],
    );
    await queries.query("COMMIT");
    const { last = "0", highest = "0" } = row ?? {};
    const sequence: Comparison = {
      ...{ of: `${log}.seq`, expected: `${highest} or more`, found: last },
      same: BigInt(last) >= BigInt(highest),
    };
    return [...compareTables(part.tables, found), sequence];
  });
}

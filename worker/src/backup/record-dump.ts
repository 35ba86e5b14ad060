/** The record's half of a backup: `pg_dump` and checksums of one and the same snapshot. */
import { join } from "node:path";
import { databaseNames } from "../../contract/database.ts";
import { databaseAddress, databaseLogin, forPrograms } from "../adapters/postgres/connection-string.ts";
import type { Queries } from "../adapters/postgres/database.ts";
import { withLongConnection } from "../adapters/postgres/long-connection.ts";
import { migrationState } from "../adapters/postgres/migrate.ts";
import { columnsOf, digestTables, recordTables } from "../adapters/postgres/record-digest.ts";
import { MigrationsMissingError } from "../ports/activity-store.ts";
import { fileFacts } from "./files.ts";
import { RECORD_DUMP, type RecordPart } from "./manifest.ts";
import { type Programs, runProgram } from "./programs.ts";

export interface RecordDumpOptions {
  /** Of the backup role. */
  readonly url: string;
  readonly prefix: string;
  readonly programs: Programs;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** How a PostgreSQL program logs in: the address without password, and the environment that has it. */
export function loginOf(url: string): {
  readonly database: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
} {
  const { password } = databaseLogin(url);
  const address = forPrograms(url)
    .replace(/([?&])uselibpqcompat=[^&]*&?/, "$1")
    .replace(/[?&]$/, "");
  return {
    database: address,
    env: { PGPASSWORD: password, PGCONNECT_TIMEOUT: "10" },
    secrets: [password],
  };
}

/** Dumps the record's tables into the folder. */
export async function dumpRecord(o: RecordDumpOptions): Promise<RecordPart> {
  const program = o.programs.find("pg_dump");
  const file = join(o.folder, RECORD_DUMP);
  const facts = await withLongConnection(o.url, async (queries) => {
    await queries.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const known = await snapshotFacts(queries, o.prefix);
    const { database, env, secrets } = loginOf(o.url);
    const tables = [...recordTables(o.prefix), databaseNames(o.prefix).runs].map((name) => `--table=${name}`);
    const words = ["--format=custom", "--no-password", `--snapshot=${known.snapshot}`, ...tables];
    await runProgram(program, [...words, `--file=${file}`, `--dbname=${database}`], {
      ...{ env, secrets, signal: o.signal },
    });
    await queries.query("COMMIT");
    return known;
  });
  const { snapshot: _, ...known } = facts;
  return { dump: await fileFacts(file), address: databaseAddress(o.url), prefix: o.prefix, ...known };
}

async function snapshotFacts(queries: Queries, prefix: string) {
  const migrations = (await migrationState(queries, prefix)).done;
  if (migrations.length === 0) throw new MigrationsMissingError([]);
  const [row] = await queries.query<{ snapshot: string; version: string; at: Date }>(
    "SELECT pg_export_snapshot() AS snapshot, current_setting('server_version') AS version, now() AS at",
  );
  const tables: { table: string; columns: readonly string[] }[] = [];
  for (const table of recordTables(prefix)) tables.push({ table, columns: await columnsOf(queries, table) });
  const positions = await queries.query<{ queue: string; last_event: string }>(
    `SELECT queue, last_event FROM ${databaseNames(prefix).recorder} ORDER BY queue`,
  );
  return {
    snapshot: row?.snapshot ?? "",
    version: (row?.version ?? "").split(" ")[0] ?? "",
    taken_at: row?.at.toISOString() ?? "",
    migrations,
    tables: await digestTables(queries, tables),
    positions: Object.fromEntries(positions.map(({ queue, last_event }) => [queue, last_event])),
  };
}

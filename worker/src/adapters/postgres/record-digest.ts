import { createHash } from "node:crypto";
import { databaseNames } from "../../../contract/database.ts";
import type { TableDigest } from "../../backup/manifest.ts";
import type { Queries } from "./database.ts";

/** Tables of the record that hold rows; migrations make the others. */
export function recordTables(prefix: string): readonly string[] {
  const { activity, log, archive, recorder } = databaseNames(prefix);
  return [activity, log, archive, recorder];
}

/** What a row's text depends on. */
export const DIGEST_SESSION = [
  "SET LOCAL TimeZone = 'UTC'",
  "SET LOCAL DateStyle = 'ISO, YMD'",
  "SET LOCAL IntervalStyle = 'postgres'",
  "SET LOCAL extra_float_digits = 1",
  "SET LOCAL bytea_output = 'hex'",
  "SET LOCAL statement_timeout = 0",
] as const;

/** Columns of a table in their order; none when there is no such table. */
export async function columnsOf(queries: Queries, table: string): Promise<readonly string[]> {
  const rows = await queries.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** Counts the rows, and adds up a digest of each; run it in a transaction that began with `DIGEST_SESSION`. */
export async function digestTable(
  queries: Queries,
  table: string,
  columns: readonly string[],
): Promise<TableDigest> {
  const list = columns.map((name) => `"${name.replaceAll('"', '""')}"`).join(", ");
  const half = (side: string) => `coalesce(sum(('x' || ${side}(h, 16))::bit(64)::bigint::numeric), 0)::text`;
  const [row] = await queries.query<{ rows: string; low: string; high: string }>(
    `SELECT count(*)::text AS rows, ${half("left")} AS low, ${half("right")} AS high
     FROM (SELECT md5(ROW(${list})::text) AS h FROM "${table}") digests`,
  );
  const { rows = "0", low = "0", high = "0" } = row ?? {};
  const checksum = createHash("sha256").update(`${rows} ${low} ${high}`).digest("hex");
  return { table, columns, rows: Number(rows), checksum };
}

/** The digests of these tables, over the columns that are named. */
export async function digestTables(
  queries: Queries,
  tables: readonly Pick<TableDigest, "table" | "columns">[],
): Promise<readonly TableDigest[]> {
  for (const statement of DIGEST_SESSION) await queries.query(statement);
  const digests: TableDigest[] = [];
  for (const { table, columns } of tables)
    if ((await columnsOf(queries, table)).length > 0)
      digests.push(await digestTable(queries, table, columns));
  return digests;
}

import type { Run, RunLogLine } from "../../../contract/runs.ts";

/** PostgreSQL's type of each column of a run, in the table's order; `queue` is the same for all of a call. */
const COLUMNS = {
  id: "text",
  kind: "text",
  status: "text",
  agent_id: "text",
  priority: "text",
  attempts: "int",
  deliveries: "int",
  created_at: "ms",
  due_at: "ms",
  started_at: "ms",
  finished_at: "ms",
  updated_at: "ms",
  worker_id: "text",
  handler_version: "text",
  image_tag: "text",
  reason: "text",
  message: "text",
  trace_id: "text",
  progress: "real",
} as const satisfies Record<Exclude<keyof Run, "queue">, ColumnType>;

const LOG_COLUMNS = {
  activity_id: "text",
  at: "ms",
  status: "text",
  attempt: "int",
  worker_id: "text",
  message: "text",
  progress: "real",
} as const satisfies Record<Exclude<keyof RunLogLine, "queue"> | "activity_id", ColumnType>;

/** `ms`: timestamptz, as ms since the epoch. */
type ColumnType = "text" | "int" | "real" | "ms";

type Columns = Readonly<Record<string, ColumnType>>;

/** `SELECT` list that gives a `Run`, of this table or alias. */
export function runColumns(table: string): string {
  const columns = Object.entries(COLUMNS).map(([name, type]) => read(`${table}.${name}`, name, type));
  return [`${table}.queue`, ...columns].join(", ");
}

/** JSON object that is a `RunLogLine`, of this table or alias. */
export function logLineJson(table: string): string {
  const parts = Object.entries(LOG_COLUMNS)
    .filter(([name]) => name !== "activity_id")
    .map(([name, type]) => `'${name}', ${read(`${table}.${name}`, undefined, type)}`);
  return `json_build_object(${parts.join(", ")})`;
}

function read(expression: string, name: string | undefined, type: ColumnType): string {
  const value = type === "ms" ? `round(extract(epoch FROM ${expression}) * 1000)::float8` : expression;
  return name === undefined ? value : `${value} AS ${name}`;
}

/** Puts rows in by one statement; those that are there get the new values. `$1` is the queue. */
export function upsertRuns(table: string): string {
  const set = Object.keys(COLUMNS)
    .filter((name) => name !== "id")
    .map((name) => `${name} = excluded.${name}`);
  return `${insert(table, COLUMNS)} ON CONFLICT (queue, id) DO UPDATE SET ${set.join(", ")}`;
}

export function insertLines(table: string): string {
  return insert(table, LOG_COLUMNS);
}

function insert(table: string, columns: Columns): string {
  const names = Object.keys(columns);
  const arrays = Object.values(columns).map((type, i) => `$${i + 2}::${type === "ms" ? "float8" : type}[]`);
  const values = Object.entries(columns).map(([name, type]) =>
    type === "ms" ? `to_timestamp(t.${name} / 1000)` : `t.${name}`,
  );
  return `INSERT INTO ${table} (queue, ${names.join(", ")})
SELECT $1, ${values.join(", ")} FROM unnest(${arrays.join(", ")}) AS t(${names.join(", ")})`;
}

/** Values of `upsertRuns`: the queue, then an array a column. */
export function runValues(queue: string, runs: readonly Run[]): readonly unknown[] {
  const names = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
  return [queue, ...names.map((name) => runs.map((run) => run[name]))];
}

/** Values of `insertLines`. */
export function lineValues(
  queue: string,
  lines: readonly (RunLogLine & { readonly id: string })[],
): readonly unknown[] {
  const names = Object.keys(LOG_COLUMNS) as (keyof typeof LOG_COLUMNS)[];
  return [
    queue,
    ...names.map((name) => lines.map((line) => (name === "activity_id" ? line.id : line[name]))),
  ];
}

import type { DatabaseNames } from "../../../contract/database.ts";
import { OPEN_STATUSES, RUN_STATUSES, type Run, type RunWithLog } from "../../../contract/runs.ts";
import type { OpenFilter, RunCounts, RunFilter, RunPage } from "../../ports/activity-store.ts";
import type { Queries } from "./database.ts";
import { logLineJson, runColumns } from "./run-rows.ts";

/** A value in ms since the epoch. */
const TIME = "to_timestamp(?::float8 / 1000)";

/** Conditions with their values, numbered as they come. */
class Conditions {
  readonly values: unknown[] = [];
  readonly #texts: string[] = [];

  /** `text` has `?` where a value goes. */
  add(text: string, ...values: readonly unknown[]): void {
    let next = 0;
    this.#texts.push(text.replace(/\?/g, () => `$${this.values.push(values[next++])}`));
  }

  get where(): string {
    return this.#texts.join(" AND ");
  }
}

/** A run with its log, by one query. */
export async function readRun(
  database: Queries,
  { activity, log }: DatabaseNames,
  queue: string,
  id: string,
): Promise<RunWithLog | undefined> {
  const [run] = await database.query<RunWithLog>(
    `SELECT ${runColumns("a")}, coalesce((SELECT json_agg(${logLineJson("l")} ORDER BY l.seq) FROM ${log} l
       WHERE l.activity_id = a.id AND l.queue = a.queue), '[]'::json) AS log
     FROM ${activity} a WHERE a.queue = $1 AND a.id = $2`,
    [queue, id],
  );
  return run;
}

export async function readRuns(
  database: Queries,
  { activity }: DatabaseNames,
  queue: string,
  filter: RunFilter,
): Promise<RunPage> {
  const conditions = new Conditions();
  conditions.add("a.queue = ?", queue);
  if (filter.statuses !== undefined) conditions.add("a.status = ANY(?)", filter.statuses);
  if (filter.kind !== undefined) conditions.add("a.kind = ?", filter.kind);
  if (filter.agentId !== undefined) conditions.add("a.agent_id = ?", filter.agentId);
  if (filter.since !== undefined) conditions.add(`a.updated_at >= ${TIME}`, filter.since);
  if (filter.until !== undefined) conditions.add(`a.updated_at < ${TIME}`, filter.until);
  if (filter.cursor !== undefined) {
    const { updatedUs, id } = filter.cursor;
    const before = "timestamptz 'epoch' + ?::bigint * interval '1 microsecond'";
    conditions.add(`(a.updated_at, a.id) < (${before}, ?)`, updatedUs, id);
  }
  const rows = await database.query<Run & { updated_us: string }>(
    `SELECT ${runColumns("a")}, (extract(epoch FROM a.updated_at) * 1000000)::bigint::text AS updated_us
     FROM ${activity} a WHERE ${conditions.where}
     ORDER BY a.updated_at DESC, a.id DESC LIMIT ${Math.trunc(filter.limit) + 1}`,
    conditions.values,
  );
  const page = rows.slice(0, filter.limit);
  const last = rows.length > filter.limit ? page.at(-1) : undefined;
  return {
    runs: page.map(({ updated_us: _, ...run }) => run),
    next: last === undefined ? null : { updatedUs: last.updated_us, id: last.id },
  };
}

export async function readCounts(
  database: Queries,
  { activity }: DatabaseNames,
  queue: string,
): Promise<RunCounts> {
  const rows = await database.query<{ status: string; count: number }>(
    `SELECT status, count(*)::float8 AS count FROM ${activity} WHERE queue = $1 GROUP BY status`,
    [queue],
  );
  const counts = new Map(rows.map(({ status, count }) => [status, count]));
  return Object.fromEntries(RUN_STATUSES.map((status) => [status, counts.get(status) ?? 0])) as Record<
    (typeof RUN_STATUSES)[number],
    number
  >;
}

export async function readOpen(
  database: Queries,
  { activity }: DatabaseNames,
  queue: string,
  filter: OpenFilter,
): Promise<readonly Run[]> {
  const conditions = new Conditions();
  conditions.add("a.queue = ?", queue);
  const statuses = filter.status === undefined ? OPEN_STATUSES : [filter.status];
  conditions.add("a.status = ANY(?)", statuses);
  if (filter.startedBefore !== undefined) conditions.add(`a.started_at < ${TIME}`, filter.startedBefore);
  if (filter.createdBefore !== undefined) conditions.add(`a.created_at < ${TIME}`, filter.createdBefore);
  if (filter.after !== undefined) {
    conditions.add(`(a.created_at, a.id) > (${TIME}, ?)`, filter.after.createdAt, filter.after.id);
  }
  return database.query<Run>(
    `SELECT ${runColumns("a")} FROM ${activity} a WHERE ${conditions.where}
     ORDER BY a.created_at, a.id LIMIT ${Math.trunc(filter.limit)}`,
    conditions.values,
  );
}

import type { DatabaseNames } from "../../../contract/database.ts";
import { OPEN_STATUSES } from "../../../contract/runs.ts";
import type { ExpireOptions } from "../../ports/activity-store.ts";
import type { Database } from "./database.ts";
import { logLineJson } from "./run-rows.ts";

/** Deletes or archives runs of all queues; one statement, so that a run and its log go together. */
export async function expireRuns(
  database: Database,
  { activity, log, archive }: DatabaseNames,
  { before, mode, limit, dryRun = false }: ExpireOptions,
): Promise<number> {
  const archived = `, kept AS (
  INSERT INTO ${archive} SELECT old.*, coalesce(
    (SELECT json_agg(${logLineJson("l")} ORDER BY l.seq) FROM ${log} l
      WHERE l.queue = old.queue AND l.activity_id = old.id), '[]'::json)::jsonb FROM old)`;
  const old = `updated_at < to_timestamp($1 / 1000.0) AND status <> ALL($2)`;
  if (dryRun) {
    const [found] = await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM (SELECT FROM ${activity} WHERE ${old} LIMIT $3) old`,
      [before, OPEN_STATUSES, limit],
    );
    return found?.count ?? 0;
  }
  const [row] = await database.query<{ count: number }>(
    `WITH ended AS (
  SELECT queue, id FROM ${activity} WHERE ${old} ORDER BY updated_at LIMIT $3 FOR UPDATE SKIP LOCKED),
old AS (DELETE FROM ${activity} a USING ended e WHERE a.queue = e.queue AND a.id = e.id RETURNING a.*)${mode === "archive" ? archived : ""},
lines AS (DELETE FROM ${log} l USING ended e WHERE l.queue = e.queue AND l.activity_id = e.id)
SELECT count(*)::int AS count FROM old`,
    [before, OPEN_STATUSES, limit],
  );
  return row?.count ?? 0;
}

import { setTimeout as delay } from "node:timers/promises";
import { RESET_AFTER_S, RUN_STATUSES, type RunStatus } from "../../../contract/runs.ts";
import type { ActivityStore, RunFilter } from "../../ports/activity-store.ts";
import { openReset } from "../../recorder/open-reset.ts";
import { ageMs } from "../age.ts";
import { queueOf } from "../auth.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import type { ApiParts } from "../parts.ts";
import { Problem, wrongField } from "../problems.ts";
import { ResetAnswer, RunAndLog, RunCounts, RunList, RunPage } from "../records.ts";
import { IdParams, ResetBody, RunQuery, StreamQuery, StuckQuery } from "../schemas.ts";
import type { Server } from "../server.ts";
import { keyed } from "./route.ts";

const MOST_STUCK = 1_000;

interface Asked {
  readonly status?: string;
  readonly kind?: string;
  readonly agent_id?: string;
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  readonly cursor?: string;
}

function recordOf({ runs }: ApiParts): ActivityStore {
  if (runs === null) throw new Problem("no-record", "this API reads no record of runs");
  return runs;
}

function statusesOf(text: string): readonly RunStatus[] {
  return text.split(",").map((word) => {
    const status = RUN_STATUSES.find((known) => known === word);
    if (status !== undefined) return status;
    throw wrongField("status", `one or more of ${RUN_STATUSES.join(", ")}, with commas between them`);
  });
}

function filterOf({ status, kind, agent_id: agentId, since, until, limit, cursor }: Asked): RunFilter {
  const [updatedUs, id] = cursor === undefined ? [] : readCursor(cursor);
  return {
    limit,
    ...(status === undefined ? {} : { statuses: statusesOf(status) }),
    ...(kind === undefined ? {} : { kind }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(updatedUs === undefined || id === undefined ? {} : { cursor: { updatedUs, id } }),
  };
}

/** The record of runs; `no-record` where there is no database. */
export function addRunRoutes(app: Server, parts: ApiParts): void {
  const tag = "runs";
  const fails = ["no-record", "database-unavailable"] as const;
  app.get<{ Querystring: Asked }>(
    "/api/runs",
    keyed("runs:read", {
      ...{ tag, summary: "Runs, last changed first", query: RunQuery },
      ends: { 200: RunPage },
      fails,
    }),
    async (request) => {
      const { stream } = queueOf(request);
      const { runs, next } = await recordOf(parts).runs(stream, filterOf(request.query));
      return { runs, next: next === null ? null : writeCursor(next.updatedUs, next.id) };
    },
  );
  app.get(
    "/api/runs/counts",
    keyed("runs:read", {
      tag,
      summary: "Runs by status",
      query: StreamQuery,
      ends: { 200: RunCounts },
      fails,
    }),
    async (request) => recordOf(parts).counts(queueOf(request).stream),
  );
  app.get<{ Querystring: { older_than: string } }>(
    "/api/runs/stuck",
    keyed("runs:read", {
      ...{ tag, summary: "Runs that have been running for long, oldest first", query: StuckQuery },
      ends: { 200: RunList },
      fails,
    }),
    async (request) => {
      const startedBefore = Date.now() - ageMs(request.query.older_than);
      const filter = { status: "running", startedBefore, limit: MOST_STUCK } as const;
      return { runs: await recordOf(parts).open(queueOf(request).stream, filter) };
    },
  );
  addReset(app, parts);
  app.get<{ Params: { id: string } }>(
    "/api/runs/:id",
    keyed("runs:read", {
      ...{ tag, summary: "A run and its log", query: StreamQuery, params: IdParams },
      ...{ ends: { 200: RunAndLog }, fails },
    }),
    async (request) => {
      const run = await recordOf(parts).run(queueOf(request).stream, request.params.id);
      if (run === undefined) throw new Problem("not-found", "the record has no run of this id");
      return run;
    },
  );
}

/** Answers when it is done; a large record takes a while. */
function addReset(app: Server, parts: ApiParts): void {
  app.post<{ Body: ResetBody }>(
    "/api/runs/reset",
    keyed("runs:reset", {
      ...{ tag: "runs", summary: "Put stuck runs back; what is alive is left alone", query: StreamQuery },
      body: ResetBody,
      ends: { 200: ResetAnswer },
      fails: ["no-record", "no-lease", "database-unavailable"],
    }),
    async (request) => {
      const { stream } = queueOf(request);
      const reset = await openReset(parts.redis, stream, recordOf(parts));
      if (reset === undefined)
        throw new Problem("no-lease", "start a spawner for this stream: it takes lost tasks back by itself");
      const { older_than_seconds: seconds = RESET_AFTER_S, dry_run: dryRun = false } = request.body;
      const runs = await reset({ olderThanMs: seconds * 1000, dryRun, now: Date.now(), sleep: delay });
      return { dry_run: dryRun, runs };
    },
  );
}

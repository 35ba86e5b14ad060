import type { DeadLetter, ResultRecord } from "../../contract/records.ts";
import type { RunChange } from "../../contract/run-events.ts";
import type { Run } from "../../contract/runs.ts";
import type { TaskOutcome } from "../adapters/redis/results.ts";
import { fold } from "../core/run-state.ts";
import type { ActivityStore, RunChanges } from "../ports/activity-store.ts";

/** What the queue itself says of tasks; `Results` of the Redis adapter does. */
export interface TaskTruth {
  /** Ids that no task has: none waits, runs, is dead or has a result. */
  unknown(ids: readonly string[]): Promise<ReadonlySet<string>>;
  read(ids: readonly string[]): Promise<readonly TaskOutcome[]>;
}

export interface CleanUpOptions {
  readonly queue: string;
  readonly store: ActivityStore;
  readonly tasks: TaskTruth;
  /** Only runs made before it, in ms since the epoch. */
  readonly before: number;
  /** The time now, in ms since the epoch. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

export interface CleanUp {
  /** Open runs that the queue knows nothing of; cancelled. */
  readonly stale: number;
  /** Open runs whose task had ended, brought up to date. */
  readonly repaired: number;
}

const PAGE = 1_000;
const STALE = "stale: in no stream, retry set or dead-letter queue";

/**
 * Ends open runs that no task stands behind, of whatever went wrong before. The queue decides: what waits, is due,
 * parked, held by any worker or dead there is left alone.
 */
export async function cleanUpStale(o: CleanUpOptions): Promise<CleanUp> {
  const { queue, store, before: createdBefore } = o;
  let stale = 0;
  let repaired = 0;
  let after: { createdAt: number; id: string } | undefined;
  while (o.signal?.aborted !== true) {
    const page = await store.open(queue, { createdBefore, limit: PAGE, ...(after && { after }) });
    const last = page.at(-1);
    if (last === undefined) break;
    after = { createdAt: last.created_at, id: last.id };
    const done = await repairRuns(
      o,
      page.map(({ id }) => id),
    );
    stale += done.gone.length;
    repaired += done.ended.length;
    if (page.length < PAGE) break;
  }
  return { stale, repaired };
}

/** Brings those of these runs up to date that are open although their task has ended or is nowhere; returns which. */
export async function repairRuns(
  o: Pick<CleanUpOptions, "queue" | "store" | "tasks" | "now">,
  ids: readonly string[],
): Promise<{ readonly gone: readonly string[]; readonly ended: readonly string[] }> {
  const unknown = await o.tasks.unknown(ids);
  const outcomes = await o.tasks.read(ids);
  const truths = new Map(ids.map((id, i) => [id, truthOf(unknown.has(id), outcomes[i])]));
  const changed = [...truths].filter(([, truth]) => truth !== undefined).map(([id]) => id);
  const done = await amend(o, changed, (run) => changeOf(run, truths.get(run.id), o.now));
  return { gone: done.filter((id) => unknown.has(id)), ended: done.filter((id) => !unknown.has(id)) };
}

/** Has runs wait that the record takes for running, although their task waits; returns which. */
export async function repairWaiting(
  o: Pick<CleanUpOptions, "queue" | "store" | "now">,
  runs: readonly Run[],
): Promise<readonly string[]> {
  const startedAt = new Map(runs.map(({ id, started_at }) => [id, started_at]));
  return amend(o, [...startedAt.keys()], (run) => {
    // One that started meanwhile is running indeed.
    if (run.status !== "running" || run.started_at !== startedAt.get(run.id)) return undefined;
    const { attempts, deliveries } = run;
    return { ...factsOf(run), type: "back", attempts, deliveries };
  });
}

type Truth = "unknown" | ResultRecord | DeadLetter;

function truthOf(unknown: boolean, outcome: TaskOutcome | undefined): Truth | undefined {
  if (unknown) return "unknown";
  if (outcome?.state === "settled") return outcome.result;
  return outcome?.state === "dead" ? outcome.letter : undefined;
}

/** Changes runs that are open still; returns their ids. */
async function amend(
  { queue, store, now }: Pick<CleanUpOptions, "queue" | "store" | "now">,
  ids: readonly string[],
  changeOf: (run: Run) => RunChange | undefined,
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  let changes: RunChanges = { runs: [], lines: [] };
  const change = (runs: ReadonlyMap<string, Run>) => {
    const folded = [...runs.values()].flatMap((run) => {
      const change = run.status === "queued" || run.status === "running" ? changeOf(run) : undefined;
      return (change && fold(queue, run, change, now)) ?? [];
    });
    const lines = folded.flatMap(({ run, line }) => (line === undefined ? [] : [{ ...line, id: run.id }]));
    changes = { runs: folded.map(({ run }) => run), lines };
    return changes;
  };
  await store.write(queue, { ids, change });
  return changes.runs.map(({ id }) => id);
}

/** The change that brings a run to where its task is. */
function changeOf(run: Run, truth: Truth | undefined, now: number): RunChange | undefined {
  if (truth === undefined) return undefined;
  if (truth === "unknown") return gone(run, now, STALE);
  const { attempts, deliveries } = run;
  const facts = factsOf(run);
  if ("buried_at" in truth) {
    const error = truth.errors.at(-1);
    return {
      ...{ ...facts, type: "buried", attempts: truth.attempts, deliveries, finishedAt: truth.buried_at },
      ...{ reason: error?.reason ?? "poison", message: `Moved to DLQ: ${error?.message ?? ""}` },
    };
  }
  const { status, finished_at: finishedAt, error, started_at } = truth;
  const told = {
    attempts: Math.max(attempts, truth.attempts),
    workerId: truth.worker_id,
    handlerVersion: truth.handler_version,
    imageTag: truth.image_tag,
    ...(started_at !== undefined && { startedAt: started_at }),
  };
  return { ...facts, type: "settled", status, finishedAt, told, ...(error && { ...error }) };
}

/** A run of a task that is nowhere. */
function gone(run: Run, now: number, message: string): RunChange {
  const { attempts, deliveries } = run;
  return { ...factsOf(run), type: "cancelled", attempts, deliveries, finishedAt: now, message };
}

function factsOf(run: Run) {
  return {
    ...{ id: run.id, kind: run.kind, agentId: run.agent_id, enqueuedAt: run.created_at },
    priority: run.priority as RunPriority,
  };
}

type RunPriority = Extract<RunChange, { type: "began" }>["priority"];

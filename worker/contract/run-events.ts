/** Changes of single tasks, read from what the queue's scripts tell the record. */

import {
  type PackedAnnouncement,
  type PackedBack,
  type PackedFailure,
  type PackedFailures,
  type PackedReclaimed,
  type PackedRuns,
  type PackedSettled,
  type PackedSettledTold,
  type PackedTask,
  type PackedTasks,
  RUN_EVENT_TYPES,
  type RunEventType,
} from "./packed-events.ts";
import { isPriority, type Priority } from "./priorities.ts";
import type { FailureReason, ResultStatus } from "./records.ts";
import { parseTraceParent } from "./traceparent.ts";

/** What every change tells, so that it can stand for all that came before it. Times are ms since the epoch. */
export interface RunFacts {
  readonly id: string;
  readonly kind: string;
  /** The task's own id unless its push named another. */
  readonly agentId: string;
  readonly priority: Priority;
  readonly enqueuedAt: number;
  /** 32 hex digits; absent where the task says nothing of a trace. */
  readonly traceId?: string;
}

export interface Queued extends RunFacts {
  readonly type: "queued";
  /** Absent for one that may run at once. */
  readonly dueAt?: number;
}
export interface Began extends RunFacts {
  readonly type: "began";
  /** Failed attempts before this one. */
  readonly attempts: number;
  /** How often it was taken back from a silent worker. */
  readonly deliveries: number;
  readonly startedAt: number;
  readonly workerId: string;
}
export interface Progressed {
  readonly type: "progressed";
  readonly id: string;
  /** 0 to 1. */
  readonly done: number;
  readonly note: string;
  readonly workerId: string;
}
/** `told` is absent when its worker did not know yet that the record is on; `enqueuedAt` is then `finishedAt`. */
export interface Settled extends RunFacts {
  readonly type: "settled";
  readonly status: ResultStatus;
  readonly finishedAt: number;
  /** Of a failure. */
  readonly reason?: string;
  readonly message?: string;
  readonly told?: {
    /** Runs in all. */
    readonly attempts: number;
    readonly startedAt?: number;
    readonly workerId: string;
    readonly handlerVersion: string;
    readonly imageTag: string;
  };
}
export interface Retried extends RunFacts {
  readonly type: "retried";
  readonly attempts: number;
  readonly deliveries: number;
  readonly startedAt: number;
  readonly failedAt: number;
  readonly reason: string;
  readonly message: string;
  readonly dueAt?: number;
  readonly workerId: string;
}
/** `startedAt` and `workerId` are absent when its workers fell silent too often. `message`: "Moved to DLQ: <error>". */
export interface Buried extends RunFacts {
  readonly type: "buried";
  readonly attempts: number;
  readonly deliveries: number;
  readonly finishedAt: number;
  readonly reason: string;
  readonly message: string;
  readonly startedAt?: number;
  readonly workerId?: string;
}
export interface HandedBack extends RunFacts {
  readonly type: "back";
  readonly attempts: number;
  readonly deliveries: number;
  readonly dueAt?: number;
}
export interface Reclaimed extends RunFacts {
  readonly type: "reclaimed";
  readonly attempts: number;
  /** This one included. */
  readonly deliveries: number;
}
export interface Cancelled extends RunFacts {
  readonly type: "cancelled";
  readonly attempts: number;
  readonly deliveries: number;
  readonly finishedAt: number;
  readonly message: string;
}
/** A dead letter that was put back as a new task; `enqueuedAt` is that of its first push. */
export interface Requeued extends RunFacts {
  readonly type: "requeued";
}

/** A change of one task. Those that were refused or knew the task already are not told. */
export type RunChange =
  | Queued
  | Began
  | Progressed
  | Settled
  | Retried
  | Buried
  | HandedBack
  | Reclaimed
  | Cancelled
  | Requeued;

export interface RunEvent {
  readonly type: RunEventType;
  /** When the script ran, in ms of the server's clock. */
  readonly at: number;
  readonly changes: readonly RunChange[];
}

/**
 * Reads an entry of `events`: its fields as Redis gives them, name, value, name, ... Returns `undefined` for what is no
 * event of this format. Ids and kinds are as the queue had them: those of entries that were added by hand may be any text.
 */
export function parseRunEvent(fields: readonly string[]): RunEvent | undefined {
  const values: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) values[fields[i] ?? ""] = fields[i + 1] ?? "";
  const type = RUN_EVENT_TYPES.find((known) => known === values.t);
  const at = Number(values.at);
  if (type === undefined || !(at > 0)) return undefined;
  try {
    const ids = values.i ? (JSON.parse(values.i) as string[]) : [];
    const parts: Parts = { at, ids, states: values.s ?? "", data: JSON.parse(values.d ?? "") };
    return { type, at, changes: CHANGES[type](parts) };
  } catch {
    return undefined;
  }
}

interface Parts {
  readonly at: number;
  readonly ids: readonly string[];
  readonly states: string;
  readonly data: unknown;
}

const CHANGES: Readonly<Record<RunEventType, (parts: Parts) => RunChange[]>> = {
  queued,
  began,
  settled,
  retried: (parts) => failures(parts, retried),
  buried: (parts) => failures(parts, buried),
  back,
  reclaimed,
  cancelled: ({ at, data }) =>
    (data as PackedTasks).map((row) => ({
      ...ended(row),
      type: "cancelled",
      finishedAt: at,
      message: row[7] ?? "",
    })),
  requeued: ({ data }) => (data as PackedTasks).map((row) => ({ ...facts(row), type: "requeued" })),
};

function agentOr(id: string, agent: unknown): string {
  return typeof agent === "string" && agent !== "" ? agent : id;
}

function priorityOr(priority: unknown): Priority {
  return isPriority(priority) ? priority : "normal";
}

function due(at: number, delayMs: number): { readonly dueAt?: number } {
  return delayMs > 0 ? { dueAt: at + delayMs } : {};
}

function traced(traceId: string | undefined): Pick<RunFacts, "traceId"> {
  return traceId === undefined ? {} : { traceId };
}

function facts([id, kind, enqueuedAt, , , agent, priority, , trace]: PackedTask): RunFacts {
  const common = { id, kind, agentId: agentOr(id, agent), priority: priorityOr(priority), enqueuedAt };
  return { ...common, ...traced(trace) };
}

/** With what tells the attempt. */
function ended(row: PackedTask) {
  return { ...facts(row), attempts: row[3], deliveries: row[4] };
}

function queued({ at, ids, states, data }: Parts): RunChange[] {
  const changes: RunChange[] = [];
  let next = 0;
  for (const [kind, options, delayMs, length] of data as PackedRuns) {
    const { agentId, priority, traceparent } = (options === "" ? {} : JSON.parse(options)) as Record<
      string,
      unknown
    >;
    const trace = traced(parseTraceParent(traceparent)?.traceId);
    for (const end = next + length; next < end; next++) {
      const id = ids[next];
      if (id === undefined || states[next] === "0") continue;
      const common = { id, kind, agentId: agentOr(id, agentId), priority: priorityOr(priority) };
      changes.push({ type: "queued", ...common, ...trace, enqueuedAt: at, ...due(at, delayMs) });
    }
  }
  return changes;
}

function began({ states, data }: Parts): RunChange[] {
  const { w: workerId, began: started, progress } = data as PackedAnnouncement;
  const isHeld = ([place]: readonly [number, ...unknown[]]) => states[place - 1] === "1";
  const changes: RunChange[] = [];
  for (const row of started.filter(isHeld)) {
    const [, id, kind, attempts, deliveries, enqueuedAt, startedAt, agent, priority, trace] = row;
    const common = { id, kind, agentId: agentOr(id, agent), priority: priorityOr(priority), enqueuedAt };
    changes.push({ type: "began", ...common, ...traced(trace), attempts, deliveries, startedAt, workerId });
  }
  for (const [, id, done, note] of progress.filter(isHeld))
    changes.push({ type: "progressed", id, done, note, workerId });
  return changes;
}

function settled({ at, ids, states, data }: Parts): RunChange[] {
  const [groups, { group, told }] = data as PackedSettled;
  return ids.flatMap((id, i): Settled[] => {
    const counted = groups[(group[i] ?? 0) - 1];
    if (states[i] !== "1" || counted === undefined) return [];
    const [kind, labels, , fail] = counted;
    const status = labels.slice(labels.lastIndexOf(":") + 1) as ResultStatus;
    const finishedAt = told?.end[i] ?? at;
    const failed = told?.failed?.[i + 1];
    const reason = failed?.reason ?? fail.slice(fail.lastIndexOf(":") + 1);
    return [
      {
        type: "settled",
        id,
        kind,
        agentId: agentOr(id, told?.agent?.[i + 1]),
        priority: priorityOr(told?.priority?.[i + 1]),
        enqueuedAt: told?.enq[i] ?? finishedAt,
        ...traced(told?.trace?.[i + 1]),
        status,
        finishedAt,
        ...(reason !== "" && { reason }),
        ...(failed !== undefined && { message: failed.message }),
        ...(told !== undefined && { told: toldOf(told, i, kind) }),
      },
    ];
  });
}

function toldOf(told: PackedSettledTold, i: number, kind: string): NonNullable<Settled["told"]> {
  const startedAt = told.start[i] ?? null;
  return {
    attempts: told.attempts[i] ?? 0,
    ...(startedAt !== null && { startedAt }),
    workerId: told.w,
    handlerVersion: told.v[kind] ?? "",
    imageTag: told.tag,
  };
}

function failures(
  { at, ids, states, data }: Parts,
  change: (common: Failure, row: PackedFailure, at: number) => RunChange,
): RunChange[] {
  const { w: workerId, rows } = data as PackedFailures;
  return rows.flatMap((row, i) => {
    const id = ids[i];
    if (id === undefined || states[i] !== "1") return [];
    const [kind, attempts, deliveries, enqueuedAt, startedAt, , reason, message, , agent, priority, trace] =
      row;
    const named = { id, kind, agentId: agentOr(id, agent), priority: priorityOr(priority), enqueuedAt };
    const common = { ...named, ...traced(trace), attempts, deliveries, startedAt, reason, message, workerId };
    return [change(common, row, at)];
  });
}

type Failure = Omit<Retried, "type" | "failedAt" | "dueAt">;

function retried(common: Failure, row: PackedFailure, at: number): Retried {
  return { ...common, type: "retried", failedAt: row[5], ...due(at, row[8]) };
}

function buried(common: Failure, row: PackedFailure): Buried {
  return { ...common, type: "buried", finishedAt: row[5] };
}

function back({ at, data }: Parts): RunChange[] {
  const { delay, rows } = data as PackedBack;
  return rows.map((row) => ({ ...ended(row), type: "back", ...due(at, delay) }));
}

const POISON: FailureReason = "poison";

function reclaimed({ at, data }: Parts): RunChange[] {
  const { queued: waiting, dead } = data as PackedReclaimed;
  return [
    ...waiting.map((row): RunChange => ({ ...ended(row), type: "reclaimed" })),
    ...dead.map((row): RunChange => {
      return { ...ended(row), type: "buried", finishedAt: at, reason: POISON, message: row[7] ?? "" };
    }),
  ];
}

/**
 * What happens to tasks, as the queue's scripts tell the record while it is on.
 *
 * A script call that changes tasks adds one entry to the stream `{q}:events` (a second one when it also cancels some),
 * with the fields `t` type, `at` time in ms of the server's clock, `n` changed tasks, `d` JSON, and where the type has
 * them `i` JSON of task ids and `s` a digit per task. `d` is what the caller of the script sent wherever that is enough,
 * so that Redis encodes little. `run-events.ts` reads them.
 */

export const RUN_EVENT_TYPES = [
  "queued",
  "began",
  "settled",
  "retried",
  "buried",
  "back",
  "reclaimed",
  "cancelled",
  "requeued",
] as const;
export type RunEventType = (typeof RUN_EVENT_TYPES)[number];

/** What Redis is taken to need for an entry of `events` beside the texts of `d`, `i` and `s`, in bytes. */
export const EVENT_OVERHEAD_BYTES = 128;

/** `queued`: tasks that differ in id only, as the producer sent them. `s`: 0 duplicate, 1 waiting, 2 delayed. */
export type PackedRuns = readonly (readonly [
  kind: string,
  /** JSON text of the options, or "". */
  options: string,
  delayMs: number,
  length: number,
  fresh: 0 | 1,
])[];

/** `began`: tasks that a worker started, and how far it is with others. `s`: of each task of the call 1 held, 0 lost. */
export interface PackedAnnouncement {
  /** Worker id. */
  readonly w: string;
  readonly began: readonly PackedBegan[];
  readonly progress: readonly PackedProgress[];
}
/** `place` in `s`, from 1; `agent` and `priority` are "" for the default. */
export type PackedBegan = readonly [
  place: number,
  id: string,
  kind: string,
  attempts: number,
  deliveries: number,
  enqueuedAt: number,
  startedAt: number,
  agent: string,
  priority: string,
  /** Trace id, of a traced task. */
  trace?: string,
];
export type PackedProgress = readonly [place: number, id: string, done: number, note: string];

/** `settled` has `d` = [groups, own], both as the worker sent them. `i`: ids. `s`: 0 refused, 1 done. */
export type PackedSettled = readonly [groups: readonly PackedSettledGroup[], own: PackedSettledOwn];
/** Tasks that count alike; `labels` are `kind:handler:status`, `fail` is `handler:reason` or "". */
export type PackedSettledGroup = readonly [
  kind: string,
  labels: string,
  bucket: number,
  fail: string,
  count: number,
  ms: number,
  /** The back end that could not keep their results. */
  unsaved?: string,
];
/** Columns of one value a task, and maps by place (from 1) of what only some have; a worker that did not know of the record sends `group` and `ms` only. */
export interface PackedSettledOwn {
  /** Place in the groups, from 1. */
  readonly group: readonly number[];
  /** Run time. */
  readonly ms: readonly number[];
  readonly told?: PackedSettledTold;
}
export interface PackedSettledTold {
  /** Worker id, image tag, and kind → version of its handler. */
  readonly w: string;
  readonly tag: string;
  readonly v: Readonly<Record<string, string>>;
  readonly attempts: readonly number[];
  readonly enq: readonly number[];
  /** `null`: its handler was never called. */
  readonly start: readonly (number | null)[];
  readonly end: readonly number[];
  readonly failed?: Readonly<Record<string, { readonly reason: string; readonly message: string }>>;
  readonly agent?: Readonly<Record<string, string>>;
  readonly priority?: Readonly<Record<string, string>>;
  /** Trace ids. */
  readonly trace?: Readonly<Record<string, string>>;
}

/** `retried` and `buried`. `i`: ids. `s`: 0 refused, or it was cancelled instead (then a `cancelled` event tells), 1 done. */
export interface PackedFailures {
  readonly w: string;
  readonly rows: readonly PackedFailure[];
}
export type PackedFailure = readonly [
  kind: string,
  /** Failed attempts, this one included. */
  attempts: number,
  deliveries: number,
  enqueuedAt: number,
  startedAt: number,
  /** When it failed. */
  at: number,
  reason: string,
  message: string,
  /** 0 for `buried`. */
  delayMs: number,
  agent: string,
  priority: string,
  /** Trace id, of a traced task. */
  trace?: string,
];

/** A task as a script read it from its entry. */
export type PackedTask = readonly [
  id: string,
  kind: string,
  enqueuedAt: number,
  attempts: number,
  deliveries: number,
  agent: string,
  priority: string,
  /** Of those that ended. */
  message?: string | null,
  /** Trace id, of a traced task. */
  trace?: string,
];
/** `back`: handed back unrun. */
export interface PackedBack {
  readonly delay: number;
  readonly rows: readonly PackedTask[];
}
/** `reclaimed`: taken back from a silent worker, into the stream or among the dead letters. */
export interface PackedReclaimed {
  readonly queued: readonly PackedTask[];
  readonly dead: readonly PackedTask[];
}
/** `cancelled` and `requeued`. */
export type PackedTasks = readonly PackedTask[];

/**
 * Names of every Redis key of a queue.
 *
 * A queue is known by one stream (`peagen.tasks`); every other key, the streams of high and low priority among
 * them, carries that name as its hash tag, so that a script may touch all of them on Redis Cluster.
 */

import { priorityStream } from "./priorities.ts";

/** The consumer group that all workers of a stream share. */
export const CONSUMER_GROUP = "workers";

/** Version of the stream entry's fields; a worker refuses a newer one and hands it back. */
export const ENTRY_VERSION = 1;

export interface QueueKeys {
  /** Stream: waiting and running tasks of normal priority. */
  readonly stream: string;
  /** Streams of the other priorities; the lengths of all three add up to the backlog. */
  readonly high: string;
  readonly low: string;
  /** Hash: task id → stream entry id (`high:` or `low:` before it in those streams), or `due` or `parked` while it waits there. */
  readonly index: string;
  /** Sorted set: task id → due time in ms of the server's clock (delayed tasks and retries). */
  readonly due: string;
  /** Hash: task id → packed entry fields of what `due` and `parked` hold. */
  readonly dueEntries: string;
  /** Hash: task id → JSON of the dead letter. */
  readonly deadLetters: string;
  /** Sorted set: task id → time of burial in ms, for listing in order. */
  readonly deadLetterOrder: string;
  /** Sorted set: `id@buriedAt` of requeued dead letters → time, so that an old export is never requeued twice. */
  readonly requeued: string;
  /** Hash: task id → time of the request, for running tasks that were asked to stop. */
  readonly cancelled: string;
  /** String: exists while the queue is paused. */
  readonly paused: string;
  /** Hash: kind → JSON of its published schema. */
  readonly kinds: string;
  /** Hash: worker id → JSON of its last report. */
  readonly workers: string;
  /** Sorted set: worker id → time of its last report in ms. */
  readonly workersSeen: string;
  /** Sorted set: worker id → time its exit was recorded, so that an exit counts once. */
  readonly exits: string;
  /** Hash: counter name → value (see `stats-fields.ts`). */
  readonly stats: string;
  /** String: the spawner that leads, with a time to live. */
  readonly leader: string;
  /** Hash: the scaling law's state and last decision. */
  readonly scaling: string;
  /** Hash: what an operator said of the number of workers, see `scaling-order.ts`. */
  readonly scalingOrder: string;
  /** String: the watcher that starts and removes the workers' containers, with a time to live. */
  readonly watcher: string;
  /** Hash: run of a container → why it was asked to end, `idle` or `signal`, and when in ms. */
  readonly drains: string;
  /** Prefix of a limited kind's sorted set: `stream entry` → 1 while it holds a slot, 0 while it is called to start. */
  readonly slots: string;
  /** Prefix of a rate-limited kind's list: its last starts, in ms of the server's clock. */
  readonly starts: string;
  /** Prefix of a limited kind's sorted set: task id → its place in the line; the fields are in `dueEntries`. */
  readonly parked: string;
  /** Sorted set: kind with parked tasks → ms of the server's clock when the next may start; `inf`: with a slot. */
  readonly parkedKinds: string;
  /** Prefix of hashes: `<circuits><name>`, a circuit breaker's failures, or until when it is open. */
  readonly circuits: string;
  /** Sorted set: name of a circuit that is not closed → time in ms at which that is forgotten. */
  readonly circuitsOpen: string;
  /** Prefix of result strings: `<results><task id>`, each with its own time to live. */
  readonly results: string;
  /** Hash: while it has `bytes`, the bound, changes of tasks are recorded; `used` bytes wait in `events`, `lost` rows were dropped, `lost_at` in ms. */
  readonly record: string;
  /** Stream: packed changes of tasks, until the record has them. */
  readonly events: string;
  /** Hash: when and how the last backups were made, see `worker/src/backup/note.ts`. */
  readonly backups: string;
  /** Sorted set: session → ms of the server's clock when it ends unless it is renewed; while there is one, workers announce what runs. */
  readonly sessions: string;
  /** Prefix of a client's sorted set: session → ms until it counts as connected. */
  readonly sessionsOf: string;
  /** Prefix of sessions: `<session><tag>` a hash, with `task:<id>` for each task it follows, `<session><tag>:events` a stream. */
  readonly session: string;
  /** Hash: task id → the sessions that follow it. */
  readonly followed: string;
  /** Channel: sessions with new events, space-separated; JSON of a task's progress; `!session holder` when it was resumed. */
  readonly sessionNews: string;
  /** Channel: ids of tasks that just got a result or a place among the dead letters, space-separated. */
  readonly settledChannel: string;
  /** Channel: `pause`, `resume`, `cancel <id>`, `announce`. */
  readonly controlChannel: string;
}

/** All keys of the queue whose stream has this name. */
export function queueKeys(stream: string): QueueKeys {
  const at = (suffix: string) => `{${stream}}:${suffix}`;
  return {
    stream,
    high: priorityStream(stream, "high"),
    low: priorityStream(stream, "low"),
    index: at("index"),
    due: at("due"),
    dueEntries: at("due-entries"),
    deadLetters: at("dlq"),
    deadLetterOrder: at("dlq-order"),
    requeued: at("requeued"),
    cancelled: at("cancelled"),
    paused: at("paused"),
    kinds: at("kinds"),
    workers: at("workers"),
    workersSeen: at("workers-seen"),
    exits: at("exits"),
    stats: at("stats"),
    leader: at("leader"),
    scaling: at("scaling"),
    scalingOrder: at("scaling-order"),
    watcher: at("watcher"),
    drains: at("drains"),
    slots: at("slots:"),
    starts: at("starts:"),
    parked: at("parked:"),
    parkedKinds: at("parked-kinds"),
    circuits: at("circuit:"),
    circuitsOpen: at("circuits-open"),
    results: at("result:"),
    record: at("record"),
    events: at("events"),
    backups: at("backups"),
    sessions: at("sessions"),
    sessionsOf: at("sessions-of:"),
    session: at("session:"),
    followed: at("followed"),
    sessionNews: at("session-news"),
    settledChannel: at("settled"),
    controlChannel: at("control"),
  };
}

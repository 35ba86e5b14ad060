/** Every query by name: boards show them, alerts compare them with a limit. */
import { METRICS } from "../worker/contract/metrics.ts";
import type { AttemptStatus, ExitReason } from "../worker/contract/records.ts";
import { EXTERNAL_METRICS } from "./external-metrics.ts";
import {
  differs,
  equals,
  histogramSeries,
  increase,
  max,
  oneOf,
  quantile,
  rate,
  series,
  sum,
} from "./promql.ts";
import type { Scope } from "./scope.ts";

const status = (...values: readonly AttemptStatus[]) => ({ status: oneOf(...values) });
const failed = { status: oneOf(...(["error", "dead"] as const satisfies readonly AttemptStatus[])) };
const ended = status("success", "error", "dead", "cancelled");

/** `none`: 0 in place of no result. */
const orZero = (expr: string) => `${expr} or vector(0)`;

export const queries = {
  /** Tasks that wait, by kind. */
  pendingByKind: ({ stream, kind }: Scope) =>
    max(["stream", "kind"], series(METRICS.pending, { ...stream, ...kind })),
  /** Tasks that wait, by stream. */
  pendingByStream: (scope: Scope) => sum(["stream"], queries.pendingByKind(scope)),
  /** Tasks that workers hold, by kind. */
  runningByKind: ({ stream, kind }: Scope) =>
    max(["stream", "kind"], series(METRICS.running, { ...stream, ...kind })),
  /** Tasks that the limits of their kind keep waiting, by kind. */
  parkedByKind: ({ stream, kind }: Scope) =>
    max(["stream", "kind"], series(METRICS.parked, { ...stream, ...kind })),
  /** Waiting and running tasks, by stream: what scalers read. */
  backlog: ({ stream }: Scope) => max(["stream"], series(METRICS.backlog, stream)),
  delayed: ({ stream }: Scope) => max(["stream"], series(METRICS.delayed, stream)),
  /** Longest wait of a task, in seconds. */
  longestWait: ({ stream }: Scope) => max(["stream"], series(METRICS.pendingIdleMax, stream)),
  /** Change of the backlog, in tasks a second: above 0 it grows, below it drains. */
  backlogGrowth: ({ stream, window }: Scope) =>
    max(["stream"], `deriv(${series(METRICS.backlog, stream)}[${window}])`),
  /** Seconds until the backlog is gone at the pace of now; nothing while it does not shrink. */
  drainTime: (scope: Scope) => `${queries.backlog(scope)} / (-(${queries.backlogGrowth(scope)}) > 0)`,
  paused: ({ stream }: Scope) => max(["stream"], series(METRICS.paused, stream)),
  deadLetters: ({ stream }: Scope) => max(["stream"], series(METRICS.deadLetters, stream)),
  /** Tasks accepted a second, by kind. */
  enqueuedByKind: ({ kind, window }: Scope) => sum(["kind"], rate(series(METRICS.enqueued, kind), window)),
  /** Tasks that ended a second, by kind: retries are no end. */
  endedByKind: ({ kind, window }: Scope) =>
    sum(["kind"], rate(series(METRICS.tasks, { ...kind, ...ended }), window)),
  /** Attempts that ended a second, by status. */
  attemptsByStatus: ({ kind, window }: Scope) => sum(["status"], rate(series(METRICS.tasks, kind), window)),
  /** Share of the tasks that ended without success. */
  taskErrorShare: ({ kind, window }: Scope) =>
    `${sum([], rate(series(METRICS.tasks, { ...kind, ...failed }), window))} / (${sum([], rate(series(METRICS.tasks, { ...kind, ...ended }), window))} > 0)`,
  /** Failed attempts a second, by handler and reason. */
  failuresByReason: ({ window }: Scope) =>
    sum(["handler", "reason"], rate(series(METRICS.handlerFailures), window)),
  /** Share of a handler's attempts that failed. */
  handlerFailureShare: ({ window }: Scope) =>
    `${sum(["handler"], rate(series(METRICS.handlerFailures), window))} / (${sum(["handler"], rate(series(METRICS.tasks), window))} > 0)`,
  /** Mean run time of attempts, in seconds, by kind. */
  meanRunTime: ({ kind, window }: Scope) =>
    `${sum(["kind"], rate(histogramSeries(METRICS.runtime, "sum", kind), window))} / (${sum(["kind"], rate(histogramSeries(METRICS.runtime, "count", kind), window))} > 0)`,
  /** Run time that this share of the attempts did not exceed, in seconds, by kind. */
  runTimeQuantile: (share: number, { kind, window }: Scope) =>
    quantile(share, sum(["kind", "le"], rate(histogramSeries(METRICS.runtime, "bucket", kind), window))),
  /** Seconds of run time that ended, by kind: what the tasks of a kind cost. */
  runSeconds: ({ kind, window }: Scope) =>
    sum(["kind"], increase(histogramSeries(METRICS.runtime, "sum", kind), window)),
  /** Run time that ended a second, by kind: how many slots a kind keeps busy. */
  runSecondsRate: ({ kind, window }: Scope) =>
    sum(["kind"], rate(histogramSeries(METRICS.runtime, "sum", kind), window)),
  /** Run time that ended without success, in seconds, by kind: retries, errors and dead letters. */
  wastedRunSeconds: ({ kind, window }: Scope) =>
    sum(
      ["kind"],
      increase(
        histogramSeries(METRICS.runtime, "sum", { ...kind, ...status("retry", "error", "dead") }),
        window,
      ),
    ),
  /** Workers that report, by state. */
  workersByState: () => max(["service", "state"], series(METRICS.workers)),
  /** Workers that take tasks, by service of their spawner. */
  takingWorkers: () =>
    sum(["service"], max(["service", "state"], series(METRICS.workers, { state: differs("draining") }))),
  busyWorkers: () => sum([], max(["service", "state"], series(METRICS.workers, { state: equals("busy") }))),
  liveWorkers: () => sum([], queries.workersByState()),
  slots: () => sum([], max(["service"], series(METRICS.slots))),
  runningTasks: (scope: Scope) => sum([], queries.runningByKind(scope)),
  /** Work by service of the spawner that sees it. */
  workByService: () => max(["service"], series(METRICS.backlog)),
  desiredWorkers: ({ stream }: Scope) => max(["stream"], series(METRICS.desiredWorkers, stream)),
  /** Why the law wants so many: 1 for the reason. */
  scalingReason: ({ stream }: Scope) => `${max(["stream", "reason"], series(METRICS.decision, stream))} == 1`,
  /** Worker processes that ended, by reason. */
  exitsByReason: ({ window }: Scope) => sum(["reason"], increase(series(METRICS.exits), window)),
  errorExits: ({ window }: Scope) =>
    sum([], increase(series(METRICS.exits, { reason: equals("error" satisfies ExitReason) }), window)),
  workerErrorsBySource: ({ window }: Scope) =>
    sum(["source"], increase(series(METRICS.workerErrors), window)),
  workerErrors: ({ window }: Scope) => sum([], increase(series(METRICS.workerErrors), window)),
  lateResults: ({ stream, window }: Scope) =>
    sum(["stream"], increase(series(METRICS.lateResults, stream), window)),
  reclaimed: ({ stream, window }: Scope) =>
    sum(["stream"], increase(series(METRICS.reclaimed, stream), window)),
  poisoned: ({ stream, window }: Scope) =>
    sum(["stream"], increase(series(METRICS.poisoned, stream), window)),
  released: ({ stream, window }: Scope) =>
    sum(["stream"], increase(series(METRICS.released, stream), window)),
  requeued: ({ stream, window }: Scope) =>
    sum(["stream"], increase(series(METRICS.requeued, stream), window)),
  parkings: ({ kind, window }: Scope) => sum(["kind"], increase(series(METRICS.parkings, kind), window)),
  openCircuits: ({ stream }: Scope) => max(["stream", "circuit"], series(METRICS.circuitOpen, stream)),
  circuitsOpened: ({ stream, window }: Scope) =>
    sum(["stream"], increase(series(METRICS.circuitOpened, stream), window)),
  apiRequests: ({ window }: Scope) => sum(["status"], rate(series(METRICS.apiRequests), window)),
  apiRequestsByRoute: ({ window }: Scope) =>
    sum(["route", "method"], rate(series(METRICS.apiRequests), window)),
  apiQuantile: (share: number, { window }: Scope) =>
    quantile(share, sum(["le"], rate(histogramSeries(METRICS.apiDuration, "bucket"), window))),
  apiLimited: ({ window }: Scope) => sum(["by"], rate(series(METRICS.apiLimited), window)),
  sessions: () => sum([], series(METRICS.sessionsOpen)),
  sessionsBegun: ({ window }: Scope) => sum(["how"], increase(series(METRICS.sessionsBegun), window)),
  sessionMessages: ({ window }: Scope) => sum(["direction"], rate(series(METRICS.sessionMessages), window)),
  sessionEnds: ({ window }: Scope) => sum(["reason"], increase(series(METRICS.sessionEnds), window)),
  recordLag: ({ stream }: Scope) => max(["stream"], series(METRICS.recordLag, stream)),
  recordPending: ({ stream }: Scope) => max(["stream"], series(METRICS.recordPending, stream)),
  recordRows: ({ stream, window }: Scope) =>
    sum(["stream"], rate(series(METRICS.recordRows, stream), window)),
  recordLost: ({ stream, window }: Scope) =>
    sum(["stream"], increase(series(METRICS.recordLost, stream), window)),
  redisMemory: () => series(EXTERNAL_METRICS.redisMemoryUsed),
  redisMemoryLimit: () => series(EXTERNAL_METRICS.redisMemoryMax),
  /** Share of Redis' memory limit that is used; nothing where there is no limit. */
  redisMemoryShare: () => `${queries.redisMemory()} / (${queries.redisMemoryLimit()} > 0)`,
  /** The keys of a queue carry its stream's name. */
  keyMemory: () => max(["key"], series(METRICS.keyMemory)),
  leaders: () => sum(["service"], series(METRICS.leader)),
  spawnerFailures: ({ window }: Scope) => sum(["loop"], increase(series(METRICS.spawnerFailures), window)),
  spansDropped: ({ window }: Scope) => sum([], increase(series(METRICS.spansDropped), window)),
  historyLost: ({ window }: Scope) => sum([], increase(series(METRICS.historyLost), window)),
  /** Seconds since the newest backup was begun. */
  backupAge: () => `time() - ${max([], series(METRICS.backupLastSuccess))}`,
  backups: ({ window }: Scope) => sum(["outcome"], increase(series(METRICS.backups), window)),
  targets: () => max(["job", "service", "instance"], series(EXTERNAL_METRICS.up)),
  targetsOf: (service: string) => series(EXTERNAL_METRICS.up, { service: equals(service) }),
  leadersOf: (service: string) => series(METRICS.leader, { service: equals(service) }),
  /** Seconds that workers existed, over the window of now: their number, counted every 15 s. */
  workerSeconds: ({ window }: Scope) =>
    orZero(`sum_over_time((${queries.liveWorkers()})[${window}:15s]) * 15`),
  /** Seconds that workers existed without a task. */
  idleWorkerSeconds: ({ window }: Scope) => {
    const idle = sum([], max(["service", "state"], series(METRICS.workers, { state: equals("idle") })));
    return orZero(`sum_over_time((${idle})[${window}:15s]) * 15`);
  },
  /** Share of the slots that hold a task. */
  slotUse: (scope: Scope) => `${queries.runningTasks(scope)} / (${queries.slots()} > 0)`,
} as const;

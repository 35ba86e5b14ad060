/** Alert rules: a named query, its limit, what to tell. Plain data; `rules.ts` writes them for Prometheus. */
import { type AlertLimit, type AlertName, type AlertOverrides, alertLimits } from "./alert-limits.ts";
import { duration } from "./promql.ts";
import { queries } from "./queries.ts";
import { everything, type Scope } from "./scope.ts";

/** `critical`: wake somebody; `warning`: in working hours. */
export type Severity = "critical" | "warning";

export interface AlertRule {
  readonly name: AlertName;
  readonly expr: string;
  readonly limit: AlertLimit;
  readonly severity: Severity;
  /** One line, with what is affected in Prometheus' templates. */
  readonly summary: string;
  /** What is seen and why it matters. */
  readonly description: string;
}

export interface AlertInput {
  readonly limits?: AlertOverrides;
  /** Services of which at least one process is to be there: `spawner`, `api`. */
  readonly services?: readonly string[];
  /** Those among them that elect a leader. Default: `spawner`. */
  readonly spawners?: readonly string[];
}

interface Definition extends Omit<AlertRule, "name" | "limit" | "expr"> {
  /** `beyond`: as `> 50`; `scope` has the limit's window. */
  readonly expr: (beyond: string, scope: Scope, input: Required<Omit<AlertInput, "limits">>) => string;
}

const beyond = ({ side, limit }: AlertLimit) => `${side === "above" ? ">" : "<"} ${limit}`;
const orGone = (expr: string, gone: readonly string[]) =>
  [expr, ...gone.map((selector) => `absent(${selector})`)].join(" or ");

const DEFINITIONS: Readonly<Record<AlertName, Definition>> = {
  QueuePendingHigh: {
    expr: (beyond, scope) => `${queries.pendingByKind(scope)} ${beyond}`,
    severity: "warning",
    summary: "{{ $value }} tasks of kind {{ $labels.kind }} wait on {{ $labels.stream }}",
    description: "Work of this kind arrives faster than it is done, or it is not done at all.",
  },
  RunsQueuedHigh: {
    expr: (beyond, scope) => `${queries.pendingByStream(scope)} ${beyond}`,
    severity: "warning",
    summary: "{{ $value }} runs are queued on {{ $labels.stream }}",
    description: "More runs wait, over all kinds, than the workers of this stream take on.",
  },
  QueueDepthHigh: {
    expr: (beyond, scope) => `${queries.backlog(scope)} ${beyond}`,
    severity: "critical",
    summary: "{{ $value }} tasks wait or run on {{ $labels.stream }}",
    description: "The backlog is far beyond what scaling is meant to let grow.",
  },
  HandlerFailuresHigh: {
    expr: (beyond, scope) => `${queries.handlerFailureShare(scope)} ${beyond}`,
    severity: "warning",
    summary: "{{ $value | humanizePercentage }} of the attempts of handler {{ $labels.handler }} fail",
    description: "Attempts fail and are retried; tasks that fail too often become dead letters.",
  },
  TaskErrorRateHigh: {
    expr: (beyond, scope) => `${queries.taskErrorShare(scope)} ${beyond}`,
    severity: "critical",
    summary: "{{ $value | humanizePercentage }} of the tasks end without success",
    description: "Tasks end in an error result or the dead-letter queue, retries and all.",
  },
  TaskDurationHigh: {
    expr: (beyond, scope) => `${queries.meanRunTime(scope)} ${beyond}`,
    severity: "warning",
    summary: "Attempts of kind {{ $labels.kind }} take {{ $value | humanizeDuration }} on average",
    description: "Slots are held long, so that the backlog grows with the same arrivals.",
  },
  RunDurationP99High: {
    expr: (beyond, scope) => `${queries.runTimeQuantile(0.99, scope)} ${beyond}`,
    severity: "warning",
    summary:
      "One in a hundred attempts of kind {{ $labels.kind }} takes {{ $value | humanizeDuration }} or longer",
    description:
      "A few attempts take far longer than the others: a slow service, or input that is too large.",
  },
  WorkerExitsWithError: {
    expr: (beyond, scope) => `${queries.errorExits(scope)} ${beyond}`,
    severity: "critical",
    summary: "{{ $value | humanize }} worker processes ended with an error",
    description: "Workers crash: their tasks are taken back and run again, at the cost of time.",
  },
  WorkerErrorsHigh: {
    expr: (beyond, scope) => `${queries.workerErrors(scope)} ${beyond}`,
    severity: "warning",
    summary: "{{ $value | humanize }} errors of the workers themselves in a minute",
    description: "Workers cannot read tasks or hand in results: Redis is slow, full or out of reach.",
  },
  WorkersTooFew: {
    expr: (beyond) => `${queries.takingWorkers()} ${beyond} and on (service) ${queries.workByService()} > 0`,
    severity: "critical",
    summary: "{{ $value }} workers take tasks of {{ $labels.service }} while there is work",
    description: "Scaling does not bring up the workers that the backlog justifies.",
  },
  RedisKeyMemoryHigh: {
    expr: (beyond) => `${queries.keyMemory()} ${beyond}`,
    severity: "warning",
    summary: "The key {{ $labels.key }} takes {{ $value | humanize1024 }}B",
    description: "Queued payloads, dead letters or events pile up in Redis.",
  },
  RedisMemoryHigh: {
    expr: (beyond) => `${queries.redisMemoryShare()} ${beyond}`,
    severity: "critical",
    summary: "{{ $value | humanizePercentage }} of Redis' memory is used",
    description: "At its limit Redis refuses new tasks; running ones can still hand in their results.",
  },
  RecordGap: {
    expr: (beyond, scope) => `${queries.recordLost(scope)} ${beyond}`,
    severity: "critical",
    summary: "{{ $value | humanize }} changes of tasks on {{ $labels.stream }} never reached the record",
    description: "The database was away for longer than the buffer holds. Tasks are not affected.",
  },
  RecordLagHigh: {
    expr: (beyond, scope) => `${queries.recordLag(scope)} ${beyond}`,
    severity: "warning",
    summary: "The record of {{ $labels.stream }} is {{ $value | humanizeDuration }} behind",
    description: "What the API and `taskfleet runs` tell is old; beyond the buffer it is lost.",
  },
  BackupTooOld: {
    expr: (beyond) => `${queries.backupAge()} ${beyond}`,
    severity: "critical",
    summary: "The newest backup is {{ $value | humanizeDuration }} old",
    description:
      "A loss of the disks would lose more than a day's work. With no backup at all, the age is the time since 1970.",
  },
  NoLeader: {
    expr: (beyond, _, { spawners }) =>
      orGone(`${queries.leaders()} ${beyond}`, spawners.map(queries.leadersOf)),
    severity: "critical",
    summary: "No spawner of {{ $labels.service }} leads",
    description: "Nobody scales, takes back lost tasks, starts delayed ones, or tells the queue's metrics.",
  },
  QueuePaused: {
    expr: (beyond, scope) => `${queries.paused(scope)} ${beyond}`,
    severity: "warning",
    summary: "The queue {{ $labels.stream }} is paused",
    description: "Tasks are accepted and none is started.",
  },
  ScrapeTargetDown: {
    expr: (beyond, _, { services }) =>
      orGone(`${queries.targets()} ${beyond}`, services.map(queries.targetsOf)),
    severity: "warning",
    summary: "Prometheus does not reach {{ $labels.service }} {{ $labels.instance }}",
    description: "What it would tell is missing from boards and alerts.",
  },
};

/** All rules, in the order of the limits' table. */
export function alertRules({
  limits,
  services = [],
  spawners = ["spawner"],
}: AlertInput = {}): readonly AlertRule[] {
  const all = alertLimits(limits);
  return (Object.keys(all) as AlertName[]).map((name) => {
    const limit = all[name];
    const { expr, ...told } = DEFINITIONS[name];
    const scope = everything(duration(limit.window));
    return { ...told, name, limit, expr: expr(beyond(limit), scope, { services, spawners }) };
  });
}

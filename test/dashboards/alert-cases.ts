/** What each alert must do at its limit and beyond it, as series for promtool. One sample every 15 s. */
import type { AlertName } from "../../dashboards/alert-limits.ts";

export const SAMPLE_SECONDS = 15;

/** `values` in promtool's notation: `0+1x240` is 241 samples, `5x80 6x160` 81 and 161. */
export type Series = Readonly<Record<string, string>>;

export interface BoundaryCase {
  readonly alert: AlertName;
  readonly what?: string;
  /** With these it is silent to the end. */
  readonly at: Series;
  /** With these its condition holds from `holdsFrom` on, in seconds, to the end. */
  readonly beyond: Series;
  readonly holdsFrom: number;
  /** Of the alert that fires, beside its name and severity. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

const FAILS = 'handler_fail_total{handler="h",reason="timeout"}';
const TASKS = 'worker_task_total{kind="k",handler="h",status="success"}';
const attempts = (status: string) => `worker_task_total{kind="k",handler="h",status="${status}"}`;
const runtime = (part: string, le = "") =>
  `worker_runtime_seconds_${part}{kind="k",handler="h",status="success"${le === "" ? "" : `,le="${le}"`}}`;
const pending = (kind: string) => `queue_pending_total{stream="s",kind="${kind}",instance="a"}`;
const workers = (state: string) => `workers_live{state="${state}",service="spawner",instance="a"}`;
const BACKLOG = 'redis_queue_pending{stream="s",service="spawner",instance="a"}';
const PAUSED = 'queue_paused{stream="s",service="spawner",instance="a"}';
const leader = (instance: string) => `spawner_leader{service="spawner",instance="${instance}"}`;
const errors = (instance: string) => `worker_errors_total{source="poll",instance="${instance}"}`;
/** When `...x80 ...` takes its second value. */
const JUMP = 81 * SAMPLE_SECONDS;
/** Rates want two samples. */
const SECOND = SAMPLE_SECONDS;

export const BOUNDARY_CASES: readonly BoundaryCase[] = [
  {
    alert: "QueuePendingHigh",
    at: { [pending("execute")]: "50x300", [pending("other")]: "50x300" },
    beyond: { [pending("execute")]: "51x300", [pending("other")]: "50x300" },
    holdsFrom: 0,
    labels: { stream: "s", kind: "execute" },
    summary: "51 tasks of kind execute wait on s",
  },
  {
    alert: "QueuePendingHigh",
    what: "counts no task twice while one spawner succeeds another",
    at: {
      'queue_pending_total{stream="s",kind="k",instance="a"}': "30x300",
      'queue_pending_total{stream="s",kind="k",instance="b"}': "30x300",
    },
    beyond: {
      'queue_pending_total{stream="s",kind="k",instance="a"}': "30x300",
      'queue_pending_total{stream="s",kind="k",instance="b"}': "51x300",
    },
    holdsFrom: 0,
    labels: { stream: "s", kind: "k" },
    summary: "51 tasks of kind k wait on s",
  },
  {
    alert: "RunsQueuedHigh",
    at: { [pending("a")]: "60x300", [pending("b")]: "40x300" },
    beyond: { [pending("a")]: "60x300", [pending("b")]: "41x300" },
    holdsFrom: 0,
    labels: { stream: "s" },
    summary: "101 runs are queued on s",
  },
  {
    alert: "QueueDepthHigh",
    at: { [BACKLOG]: "1000x300" },
    beyond: { [BACKLOG]: "1001x300" },
    holdsFrom: 0,
    labels: { stream: "s" },
    summary: "1001 tasks wait or run on s",
  },
  {
    alert: "HandlerFailuresHigh",
    at: { [FAILS]: "0+1x300", [TASKS]: "0+10x300" },
    beyond: { [FAILS]: "0+1x300", [TASKS]: "0+8x300" },
    holdsFrom: SECOND,
    labels: { handler: "h" },
    summary: "12.5% of the attempts of handler h fail",
  },
  {
    alert: "TaskErrorRateHigh",
    what: "counts ends, not retries",
    at: {
      [attempts("success")]: "0+38x300",
      [attempts("error")]: "0+1x300",
      [attempts("dead")]: "0+1x300",
      [attempts("retry")]: "0+90x300",
    },
    beyond: {
      [attempts("success")]: "0+14x300",
      [attempts("error")]: "0+1x300",
      [attempts("dead")]: "0+1x300",
    },
    holdsFrom: SECOND,
    labels: {},
    summary: "12.5% of the tasks end without success",
  },
  {
    alert: "TaskDurationHigh",
    at: { [runtime("sum")]: "0+300x300", [runtime("count")]: "0+1x300" },
    beyond: { [runtime("sum")]: "0+330x300", [runtime("count")]: "0+1x300" },
    holdsFrom: SECOND,
    labels: { kind: "k" },
    summary: "Attempts of kind k take 5m 30s on average",
  },
  {
    alert: "RunDurationP99High",
    at: {
      [runtime("bucket", "300")]: "0+199x300",
      [runtime("bucket", "600")]: "0+200x300",
      [runtime("bucket", "+Inf")]: "0+200x300",
    },
    beyond: {
      [runtime("bucket", "300")]: "0+98x300",
      [runtime("bucket", "600")]: "0+100x300",
      [runtime("bucket", "+Inf")]: "0+100x300",
    },
    holdsFrom: SECOND,
    labels: { kind: "k" },
    summary: "One in a hundred attempts of kind k takes 7m 30s or longer",
  },
  {
    alert: "WorkerExitsWithError",
    at: {
      'worker_exit_reason_total{reason="error"}': "100x80 105x220",
      'worker_exit_reason_total{reason="idle"}': "0+9x300",
    },
    beyond: { 'worker_exit_reason_total{reason="error"}': "100x80 106x220" },
    holdsFrom: JUMP,
    labels: {},
    summary: "6 worker processes ended with an error",
  },
  {
    alert: "WorkerErrorsHigh",
    what: "adds up all workers",
    at: { [errors("a")]: "0x80 5x220", [errors("b")]: "0x80 5x220" },
    beyond: { [errors("a")]: "0x80 5x220", [errors("b")]: "0x80 6x220" },
    holdsFrom: JUMP,
    labels: {},
    summary: "11 errors of the workers themselves in a minute",
  },
  {
    alert: "WorkersTooFew",
    what: "counts no draining worker",
    at: {
      [workers("busy")]: "1x300",
      [workers("idle")]: "1x300",
      [workers("draining")]: "0x300",
      [BACKLOG]: "1x300",
    },
    beyond: {
      [workers("busy")]: "1x300",
      [workers("idle")]: "0x300",
      [workers("draining")]: "3x300",
      [BACKLOG]: "1x300",
    },
    holdsFrom: 0,
    labels: { service: "spawner" },
    summary: "1 workers take tasks of spawner while there is work",
  },
  {
    alert: "WorkersTooFew",
    what: "is silent at zero without work",
    at: { [workers("busy")]: "0x300", [BACKLOG]: "0x300" },
    beyond: { [workers("busy")]: "0x300", [BACKLOG]: "1x300" },
    holdsFrom: 0,
    labels: { service: "spawner" },
    summary: "0 workers take tasks of spawner while there is work",
  },
  {
    alert: "WorkersTooFew",
    what: "is silent while the queue is paused",
    at: { [workers("busy")]: "0x300", [BACKLOG]: "9x300", [PAUSED]: "1x300" },
    beyond: { [workers("busy")]: "0x300", [BACKLOG]: "9x300", [PAUSED]: "1x80 0x220" },
    holdsFrom: JUMP,
    labels: { service: "spawner" },
    summary: "0 workers take tasks of spawner while there is work",
  },
  {
    alert: "RedisKeyMemoryHigh",
    at: { 'redis_key_memory_bytes{key="s"}': "500000000x300" },
    beyond: { 'redis_key_memory_bytes{key="s"}': "536870912x300" },
    holdsFrom: 0,
    labels: { key: "s" },
    summary: "The key s takes 512MiB",
  },
  {
    alert: "RedisMemoryHigh",
    at: { redis_memory_used_bytes: "80x300", redis_memory_max_bytes: "100x300" },
    beyond: { redis_memory_used_bytes: "81x300", redis_memory_max_bytes: "100x300" },
    holdsFrom: 0,
    labels: {},
    summary: "81% of Redis' memory is used",
  },
  {
    alert: "RedisMemoryHigh",
    what: "is silent without a limit",
    at: { redis_memory_used_bytes: "81x300", redis_memory_max_bytes: "0x300" },
    beyond: { redis_memory_used_bytes: "90x300", redis_memory_max_bytes: "100x300" },
    holdsFrom: 0,
    labels: {},
    summary: "90% of Redis' memory is used",
  },
  {
    alert: "ResultBackendFailing",
    at: { 'result_backend_fail_total{backend="fs"}': "7x300" },
    beyond: { 'result_backend_fail_total{backend="fs"}': "0x80 1x220" },
    holdsFrom: JUMP,
    labels: { backend: "fs" },
    summary: "The back end fs could not keep 1 results",
  },
  {
    alert: "RecordGap",
    at: { 'record_lost_total{stream="s"}': "7x300" },
    beyond: { 'record_lost_total{stream="s"}': "0x80 1x220" },
    holdsFrom: JUMP,
    labels: { stream: "s" },
    summary: "1 changes of tasks on s never reached the record",
  },
  {
    alert: "RecordLagHigh",
    at: { 'record_lag_seconds{stream="s"}': "300x300" },
    beyond: { 'record_lag_seconds{stream="s"}': "301x300" },
    holdsFrom: 0,
    labels: { stream: "s" },
    summary: "The record of s is 5m 1s behind",
  },
  {
    // Time begins at 0 there: a backup of two days ago all the time, and one that a sample makes older.
    alert: "BackupTooOld",
    at: { backup_last_success_timestamp_seconds: `-172800+${SAMPLE_SECONDS}x300` },
    beyond: { backup_last_success_timestamp_seconds: `-172860+${SAMPLE_SECONDS}x300` },
    holdsFrom: 0,
    labels: {},
    summary: "The newest backup is 2d 0h 1m 0s old",
  },
  {
    alert: "NoLeader",
    at: { [leader("a")]: "1x300", [leader("b")]: "0x300" },
    beyond: { [leader("a")]: "0x300", [leader("b")]: "0x300" },
    holdsFrom: 0,
    labels: { service: "spawner" },
    summary: "No spawner of spawner leads",
  },
  {
    alert: "NoLeader",
    what: "notices that all spawners are gone",
    at: { [leader("a")]: "1x300" },
    beyond: { [leader("a")]: "1x80 stale _x219" },
    holdsFrom: JUMP,
    labels: { service: "spawner" },
    summary: "No spawner of spawner leads",
  },
  {
    alert: "QueuePaused",
    at: { 'queue_paused{stream="s"}': "0x300" },
    beyond: { 'queue_paused{stream="s"}': "1x300" },
    holdsFrom: 0,
    labels: { stream: "s" },
    summary: "The queue s is paused",
  },
  {
    alert: "ScrapeTargetDown",
    at: { 'up{job="spawner",service="spawner",instance="spawner@1"}': "1x300" },
    beyond: { 'up{job="spawner",service="spawner",instance="spawner@1"}': "0x300" },
    holdsFrom: 0,
    labels: { job: "spawner", service: "spawner", instance: "spawner@1" },
    summary: "Prometheus does not reach spawner spawner@1",
  },
  {
    alert: "ScrapeTargetDown",
    what: "notices that a service is gone",
    at: { 'up{job="spawner",service="spawner",instance="spawner@1"}': "1x300" },
    beyond: { 'up{job="spawner",service="spawner",instance="spawner@1"}': "1x80 stale _x219" },
    holdsFrom: JUMP,
    labels: { service: "spawner" },
    summary: "Prometheus does not reach spawner ",
  },
];

import { METRICS, type MetricDefinition, type MetricKey, RUNTIME_BUCKETS } from "../../contract/metrics.ts";
import { EXIT_REASONS } from "../../contract/records.ts";
import { RESULT_BACK_ENDS } from "../../contract/results.ts";
import { SCALING_REASONS, type ScalingDecision } from "../../contract/scaling.ts";
import { attemptLabels, parseStatsField, type StatsField } from "../../contract/stats-fields.ts";
import type { ReportedWorker } from "../adapters/redis/workers.ts";

/** What the queue's metrics are made of, read at one scrape. */
export interface QueueSnapshot {
  readonly stream: string;
  readonly nowMs: number;
  /** A worker that has not reported for this long is no live one. */
  readonly leaseMs: number;
  readonly waiting: number;
  readonly running: number;
  readonly delayed: number;
  /** Parked tasks by kind. */
  readonly parkedBy: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  readonly paused: boolean;
  readonly oldestIdleMs: number;
  /** Counters by their names in the `stats` hash. */
  readonly stats: Readonly<Record<string, number>>;
  /** Kinds that the fleet runs. */
  readonly kinds: readonly string[];
  readonly workers: readonly ReportedWorker[];
  /** Bytes by key. */
  readonly keyMemory: ReadonlyMap<string, number>;
  /** Names of circuits that are not closed. */
  readonly circuits: readonly string[];
  readonly decision: ScalingDecision | null;
}

export interface Sample {
  /** Absent: the metric's own. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A metric's samples at one scrape. */
export interface Family {
  readonly definition: MetricDefinition;
  readonly samples: readonly Sample[];
}

type Labels = Sample["labels"];

const sample = (labels: Labels, value: number): Sample => ({ labels, value });

/** All metrics that the leader exposes. Counters of known kinds and reasons stand at 0 from the start. */
export function queueFamilies(snapshot: QueueSnapshot): readonly Family[] {
  const families: Family[] = [];
  const add = (key: MetricKey, samples: readonly Sample[]) =>
    families.push({ definition: METRICS[key], samples });
  const counters = readCounters(snapshot.stats);
  addDepth(snapshot, counters, add);
  addAttempts(counters, add);
  addWorkers(snapshot, counters, add);
  addCircuits(snapshot, counters, add);
  addDecision(snapshot, add);
  add(
    "keyMemory",
    [...snapshot.keyMemory].map(([key, bytes]) => sample({ key }, bytes)),
  );
  return families;
}

type Add = (key: MetricKey, samples: readonly Sample[]) => void;
type Counter = readonly [StatsField, number];

function readCounters(stats: QueueSnapshot["stats"]): readonly Counter[] {
  return Object.entries(stats).flatMap(([text, value]) => {
    const field = parseStatsField(text);
    return field === undefined ? [] : [[field, value] as const];
  });
}

/** Values by kind of one counter, with 0 for each known kind that it has none for. */
function byKind(
  counters: readonly Counter[],
  name: "enqueued" | "parked" | "live",
  kinds: readonly string[],
) {
  const values = new Map(kinds.map((kind) => [kind, 0]));
  for (const [field, value] of counters) if (field.name === name) values.set(field.kind, value);
  return values;
}

function plain(counters: readonly Counter[], name: StatsField["name"]): number {
  return counters.find(([field]) => field.name === name)?.[1] ?? 0;
}

function liveWorkers({ workers, nowMs, leaseMs }: QueueSnapshot): readonly ReportedWorker[] {
  return workers.filter((worker) => nowMs - worker.seen_at <= leaseMs);
}

function runningByKind(snapshot: QueueSnapshot): Map<string, number> {
  const running = new Map<string, number>();
  for (const worker of liveWorkers(snapshot))
    for (const [kind, count] of Object.entries(worker.running))
      running.set(kind, (running.get(kind) ?? 0) + count);
  return running;
}

function addDepth(snapshot: QueueSnapshot, counters: readonly Counter[], add: Add): void {
  const { stream, kinds } = snapshot;
  const running = runningByKind(snapshot);
  const live = byKind(counters, "live", [...new Set([...kinds, ...running.keys()])]);
  const held = [...live].map(([kind]) => [kind, running.get(kind) ?? 0] as const);
  add(
    "running",
    held.map(([kind, count]) => sample({ stream, kind }, count)),
  );
  // Workers report every few seconds, the counters change at once: the difference may be off by as much.
  const pending = held.map(([kind, count]) => [kind, Math.max(0, (live.get(kind) ?? 0) - count)] as const);
  add(
    "pending",
    pending.map(([kind, count]) => sample({ stream, kind }, count)),
  );
  const enqueued = byKind(counters, "enqueued", kinds);
  add(
    "enqueued",
    [...enqueued].map(([kind, count]) => sample({ kind }, count)),
  );
  const parkings = byKind(counters, "parked", kinds);
  add(
    "parkings",
    [...parkings].map(([kind, count]) => sample({ kind }, count)),
  );
  const parked = { ...Object.fromEntries(kinds.map((kind) => [kind, 0])), ...snapshot.parkedBy };
  add(
    "parked",
    Object.entries(parked).map(([kind, count]) => sample({ stream, kind }, count)),
  );
  const one = (key: MetricKey, value: number) => add(key, [sample({ stream }, value)]);
  one("backlog", snapshot.waiting + snapshot.running);
  one("pendingIdleMax", snapshot.oldestIdleMs / 1000);
  one("delayed", snapshot.delayed);
  one("deadLetters", snapshot.deadLetters);
  one("paused", snapshot.paused ? 1 : 0);
  one("lateResults", plain(counters, "late"));
  one("reclaimed", plain(counters, "reclaimed"));
  one("released", plain(counters, "released"));
  one("poisoned", plain(counters, "poisoned"));
  one("requeued", plain(counters, "requeued"));
}

function addAttempts(counters: readonly Counter[], add: Add): void {
  const tasks: Sample[] = [];
  const failures: Sample[] = [];
  const histograms = new Map<string, Histogram>();
  const histogramOf = (field: StatsField & { readonly name: "runtime" | "runtime-ms" }) => {
    const { kind, handler, status } = field;
    const key = attemptLabels(kind, handler, status);
    const found = histograms.get(key) ?? { labels: { kind, handler, status }, counts: new Map(), sumMs: 0 };
    histograms.set(key, found);
    return found;
  };
  for (const [field, value] of counters) {
    if (field.name === "task") {
      const { kind, handler, status } = field;
      tasks.push(sample({ kind, handler, status }, value));
    } else if (field.name === "fail") {
      failures.push(sample({ handler: field.handler, reason: field.reason }, value));
    } else if (field.name === "runtime") histogramOf(field).counts.set(field.bucket, value);
    else if (field.name === "runtime-ms") histogramOf(field).sumMs = value;
  }
  add("tasks", tasks);
  add("handlerFailures", failures);
  add("runtime", [...histograms.values()].flatMap(histogramSamples));
  const unsaved = new Map<string, number>(RESULT_BACK_ENDS.map((backend) => [backend, 0]));
  for (const [field, value] of counters) if (field.name === "unsaved") unsaved.set(field.backend, value);
  add(
    "resultFailures",
    [...unsaved].map(([backend, value]) => sample({ backend }, value)),
  );
}

interface Histogram {
  readonly labels: Labels;
  /** By bucket index, not cumulative. */
  readonly counts: Map<number, number>;
  sumMs: number;
}

function histogramSamples({ labels, counts, sumMs }: Histogram): Sample[] {
  const { name } = METRICS.runtime;
  let total = 0;
  const buckets = [...RUNTIME_BUCKETS, "+Inf"].map((le, index) => {
    total += counts.get(index) ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumMs / 1000 },
    { metricName: `${name}_count`, labels, value: total },
  ];
}

function addWorkers(snapshot: QueueSnapshot, counters: readonly Counter[], add: Add): void {
  const live = liveWorkers(snapshot);
  const states = ["busy", "idle", "draining"] as const;
  const count = (state: string) => live.filter((worker) => worker.state === state).length;
  add(
    "workers",
    states.map((state) => sample({ state }, count(state))),
  );
  const taking = live.filter((worker) => worker.state !== "draining");
  add("slots", [
    sample(
      {},
      taking.reduce((sum, worker) => sum + worker.slots, 0),
    ),
  ]);
  const ended = new Map<string, number>(EXIT_REASONS.map((reason) => [reason, 0]));
  for (const [field, value] of counters) if (field.name === "exit") ended.set(field.reason, value);
  add(
    "exits",
    [...ended].map(([reason, value]) => sample({ reason }, value)),
  );
}

function addCircuits({ stream, circuits }: QueueSnapshot, counters: readonly Counter[], add: Add): void {
  add(
    "circuitOpen",
    circuits.map((circuit) => sample({ stream, circuit }, 1)),
  );
  add("circuitOpened", [sample({ stream }, plain(counters, "circuit-opened"))]);
}

function addDecision({ stream, decision }: QueueSnapshot, add: Add): void {
  if (decision === null) return;
  add("desiredWorkers", [sample({ stream }, decision.desired)]);
  const isReason = (reason: string) => (reason === decision.reason ? 1 : 0);
  add(
    "decision",
    SCALING_REASONS.map((reason) => sample({ stream, reason }, isReason(reason))),
  );
}

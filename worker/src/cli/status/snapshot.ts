import { type Controls, parseControls } from "../../../contract/controls.ts";
import { queueKeys } from "../../../contract/queue-keys.ts";
import type { PublishedKind } from "../../../contract/records.ts";
import type { ScalingOrder } from "../../../contract/scaling-order.ts";
import { parseScaling, type ScalingRecord } from "../../../contract/scaling-record.ts";
import { parseStatsField } from "../../../contract/stats-fields.ts";
import { ApiReports, type ReportedApi } from "../../adapters/redis/api-reports.ts";
import {
  depth,
  type QueueDepth,
  readKinds,
  readStats,
  serverTimeMs,
} from "../../adapters/redis/queue-status.ts";
import { type RecordLag, readRecordLag } from "../../adapters/redis/record-state.ts";
import { readOrder } from "../../adapters/redis/scaling-orders.ts";
import { type ReportedWorker, Workers } from "../../adapters/redis/workers.ts";
import type { Session } from "../session.ts";

/** What `status` shows, also its `--json`. Times are ms since the epoch. */
export interface Snapshot {
  readonly stream: string;
  /** The server's clock, which all other times are of. */
  readonly at: number;
  readonly queue: QueueDepth;
  readonly kinds: readonly KindCounts[];
  readonly workers: readonly ReportedWorker[];
  /** How workers are confined: as they report or, while there is none, as was found when the stack came up. */
  readonly controls: Controls | null;
  /** What untrusted programs run in, as workers report it; `null` while there is none. */
  readonly sandbox: string | null;
  /** The spawner that leads; `null` when none does. */
  readonly leader: string | null;
  /** The leader's last decision; `null` before the first. */
  readonly scaling: ScalingRecord | null;
  /** What an operator said with `scale`. */
  readonly order: ScalingOrder;
  readonly counters: QueueCounters;
  readonly record: RecordLag;
  /** Those that report, of all streams. */
  readonly apis: readonly ReportedApi[];
}

/** Since the queue exists. */
export interface QueueCounters {
  /** Ends that were refused: the task was another worker's by then. */
  readonly late: number;
  /** Taken back from silent workers. */
  readonly reclaimed: number;
  /** Handed back unrun by workers that ended. */
  readonly released: number;
  /** Dead-lettered because too many workers died with it. */
  readonly poisoned: number;
  /** Dead letters put back. */
  readonly requeued: number;
}

export interface KindCounts {
  readonly kind: string;
  /** Waiting, delayed and running. */
  readonly live: number;
  /** Since the queue exists, as all that follow. */
  readonly enqueued: number;
  readonly success: number;
  readonly error: number;
  readonly cancelled: number;
  readonly dead: number;
  readonly retry: number;
}

/** Reads everything at once. */
export async function readSnapshot({ settings, redis, stream }: Session): Promise<Snapshot> {
  const keys = queueKeys(stream);
  const [queue, stats, kinds, workers, leader, scaling, at] = await Promise.all([
    depth(redis, stream),
    readStats(redis, stream),
    readKinds(redis, stream),
    new Workers(redis, stream).list(),
    redis.get(keys.leader),
    redis.hgetall(keys.scaling),
    serverTimeMs(redis),
  ]);
  const [record, apis, order] = await Promise.all([
    readRecordLag(redis, stream, at),
    new ApiReports(redis).list(at),
    readOrder(redis, stream),
  ]);
  return {
    stream,
    at,
    queue,
    kinds: countKinds(stats, kinds),
    workers,
    controls: workers.find(({ controls }) => controls)?.controls ?? parseControls(settings.controls),
    sandbox: workers.find(({ sandbox }) => sandbox)?.sandbox ?? null,
    leader,
    scaling: parseScaling(scaling),
    counters: countersOf(stats),
    ...{ record, apis, order },
  };
}

type Stats = Readonly<Record<string, number>>;

/** Counters by kind: of every published kind, and every other one that was ever counted. Sorted. */
export function countKinds(stats: Stats, published: ReadonlyMap<string, PublishedKind>): KindCounts[] {
  const rows = new Map<string, { -readonly [Name in keyof KindCounts]: KindCounts[Name] }>();
  const rowOf = (kind: string) => {
    const row = rows.get(kind) ?? { ...NOTHING, kind };
    rows.set(kind, row);
    return row;
  };
  for (const kind of published.keys()) rowOf(kind);
  for (const [name, value] of Object.entries(stats)) {
    const field = parseStatsField(name);
    if (field?.name === "enqueued" || field?.name === "live") rowOf(field.kind)[field.name] += value;
    if (field?.name === "task") rowOf(field.kind)[field.status] += value;
  }
  return [...rows.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1));
}

const NOTHING = { live: 0, enqueued: 0, success: 0, error: 0, cancelled: 0, dead: 0, retry: 0 } as const;

function countersOf(stats: Stats): QueueCounters {
  const of = (name: keyof QueueCounters) => stats[name] ?? 0;
  return {
    late: of("late"),
    reclaimed: of("reclaimed"),
    released: of("released"),
    poisoned: of("poisoned"),
    requeued: of("requeued"),
  };
}

import { queueKeys } from "../../../contract/queue-keys.ts";
import type { PublishedKind } from "../../../contract/records.ts";
import { depth, readKinds, readStats } from "../../adapters/redis/queue-status.ts";
import { Workers } from "../../adapters/redis/workers.ts";
import type { Session } from "../session.ts";

/** What `status` shows, also its `--json`. Times are ms since the epoch. */
export interface Snapshot {
  readonly stream: string;
  readonly at: number;
  readonly queue: Awaited<ReturnType<typeof depth>>;
  readonly kinds: readonly KindCounts[];
  readonly workers: Awaited<ReturnType<Workers["list"]>>;
  /** The spawner that leads; `null` when none does. */
  readonly leader: string | null;
  /** The last decision's fields, as the spawner stored them; empty before the first. */
  readonly scaling: Readonly<Record<string, string>>;
}

export interface KindCounts {
  readonly kind: string;
  /** Waiting, delayed and running. */
  readonly live: number;
  /** Since the queue exists. */
  readonly enqueued: number;
  readonly success: number;
  readonly error: number;
  readonly cancelled: number;
  readonly dead: number;
  readonly retried: number;
}

/** Reads everything at once. */
export async function readSnapshot({ redis, stream }: Session): Promise<Snapshot> {
  const keys = queueKeys(stream);
  const [queue, stats, kinds, workers, leader, scaling] = await Promise.all([
    depth(redis, stream),
    readStats(redis, stream),
    readKinds(redis, stream),
    new Workers(redis, stream).list(),
    redis.get(keys.leader),
    redis.hgetall(keys.scaling),
  ]);
  return { stream, at: Date.now(), queue, kinds: countKinds(stats, kinds), workers, leader, scaling };
}

/** Counters by kind: every published kind, and every other one that was ever counted. Sorted. */
export function countKinds(
  stats: Readonly<Record<string, number>>,
  published: ReadonlyMap<string, PublishedKind>,
): KindCounts[] {
  const names = new Set(published.keys());
  const ended = new Map<string, number>();
  for (const [field, value] of Object.entries(stats)) {
    const [counter, kind, , status] = field.split(":");
    if (kind === undefined || (counter !== "enqueued" && counter !== "live" && counter !== "task")) continue;
    names.add(kind);
    if (counter !== "task") continue;
    const key = `${kind}:${status}`;
    ended.set(key, (ended.get(key) ?? 0) + value);
  }
  return [...names].sort().map((kind) => {
    const of = (status: string) => ended.get(`${kind}:${status}`) ?? 0;
    return {
      kind,
      live: stats[`live:${kind}`] ?? 0,
      enqueued: stats[`enqueued:${kind}`] ?? 0,
      success: of("success"),
      error: of("error"),
      cancelled: of("cancelled"),
      dead: of("dead"),
      retried: of("retry"),
    };
  });
}

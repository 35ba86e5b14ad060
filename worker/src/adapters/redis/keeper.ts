import type { Redis } from "ioredis";
import { priorityStreams } from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, ENTRY_VERSION, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { PublishedKind } from "../../../contract/records.ts";
import { SCRIPTS } from "./scripts.ts";

export interface Reclaimed {
  /** Ids of tasks that wait again. */
  readonly requeued: string[];
  /** Ids dead-lettered by the cap on deliveries. */
  readonly buried: string[];
  /** Ids that were to be cancelled anyway. */
  readonly cancelled: string[];
}

/** Entries looked at in one script call. */
const SCAN = 100;
const FROM_START = "0-0";

/** The upkeep of one stream: what its leading spawner does. */
export class Keeper {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;

  constructor(redis: Redis, stream: string) {
    this.#redis = redis;
    this.#keys = queueKeys(stream);
  }

  /**
   * Takes tasks back whose worker was silent for `leaseMs`. Each waits again at the tail with one more
   * delivery; after `maxDeliveries` of them the next one dead-letters it.
   */
  async reclaim(o: { readonly leaseMs: number; readonly maxDeliveries: number }): Promise<Reclaimed> {
    const all: Reclaimed = { requeued: [], buried: [], cancelled: [] };
    for (const source of priorityStreams(this.#keys.stream)) await this.#reclaimFrom(source, o, all);
    return all;
  }

  async #reclaimFrom(
    source: string,
    o: { readonly leaseMs: number; readonly maxDeliveries: number },
    all: Reclaimed,
  ): Promise<void> {
    let cursor = FROM_START;
    do cursor = await this.#reclaimPart(source, o, [cursor, SCAN], all);
    while (cursor !== FROM_START);
  }

  /** The same for one entry, or else for the next one after it whose worker was silent for so long. */
  async reclaimEntry(
    { stream, entryId }: { readonly stream: string; readonly entryId: string },
    o: { readonly leaseMs: number; readonly maxDeliveries: number },
  ): Promise<Reclaimed> {
    const all: Reclaimed = { requeued: [], buried: [], cancelled: [] };
    await this.#reclaimPart(stream, o, [entryId, 1], all);
    return all;
  }

  /** `from`: the first entry to look at, and how many are taken back at most. Returns where to go on. */
  async #reclaimPart(
    source: string,
    o: { readonly leaseMs: number; readonly maxDeliveries: number },
    from: readonly [entry: string, count: number],
    all: Reclaimed,
  ): Promise<string> {
    const { index, cancelled, stats, deadLetters, deadLetterOrder, requeued } = this.#keys;
    const keys = [source, index, cancelled, stats, deadLetters, deadLetterOrder, requeued];
    const args = [CONSUMER_GROUP, Math.round(o.leaseMs), o.maxDeliveries, ...from];
    const channel = [this.#keys.settledChannel, this.#keys.results, ENTRY_VERSION];
    const answer = await SCRIPTS.reclaim.run(this.#redis, keys, [...args, ...channel]);
    const [next, back, buried, ended] = answer as [string, string[], string[], string[]];
    all.requeued.push(...back);
    all.buried.push(...buried);
    all.cancelled.push(...ended);
    return next;
  }

  /** Moves up to `limit` delayed tasks and retries whose time has come to the tail; `nextDueMs`: server time. */
  async promote(limit: number): Promise<{ promoted: number; nextDueMs: number | null }> {
    const { stream, index, due, dueEntries } = this.#keys;
    const answer = await SCRIPTS.promote.run(this.#redis, [stream, index, due, dueEntries], [limit]);
    const [promoted, next] = answer as [number, string];
    return { promoted, nextDueMs: next === "" ? null : Number(next) };
  }

  /** Drops reports and empty consumers silent for `idleMs`; returns the consumers' names. */
  async forgetConsumers(idleMs: number): Promise<string[]> {
    const keys = [this.#keys.workers, this.#keys.workersSeen, ...priorityStreams(this.#keys.stream)];
    const args = [CONSUMER_GROUP, Math.round(idleMs)];
    return (await SCRIPTS.forgetConsumers.run(this.#redis, keys, args)) as string[];
  }

  /** Replaces the list of kinds that pushes are checked against. */
  async publishKinds(kinds: readonly PublishedKind[]): Promise<void> {
    const args = kinds.flatMap((kind) => [kind.kind, JSON.stringify(kind)]);
    await SCRIPTS.publishKinds.run(this.#redis, [this.#keys.kinds], args);
  }
}

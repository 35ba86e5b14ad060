import type { Redis } from "ioredis";
import { priorityStreams } from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { ExitReason, WorkerReport } from "../../../contract/records.ts";
import { SCRIPTS } from "./scripts.ts";

/** A worker's last report, when it came (server time, ms), and how many entries it holds. */
export type ReportedWorker = WorkerReport & { readonly seen_at: number; readonly holding: number };

/** How long an exit is remembered, so that a second report of it does not count. */
const EXIT_MEMORY_MS = 24 * 3_600_000;

/** The workers of one stream. */
export class Workers {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;

  constructor(redis: Redis, stream: string) {
    this.#redis = redis;
    this.#keys = queueKeys(stream);
  }

  /** Everyone who reported and has not ended, by id. */
  async list(): Promise<ReportedWorker[]> {
    const [reports, seen, held] = await Promise.all([
      this.#redis.hgetall(this.#keys.workers),
      this.#redis.zrange(this.#keys.workersSeen, "0", "-1", "WITHSCORES"),
      this.#holdings(),
    ]);
    const seenAt = new Map<string, number>();
    for (let i = 0; i + 1 < seen.length; i += 2) seenAt.set(seen[i] ?? "", Number(seen[i + 1]));
    return Object.entries(reports)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, text]) => ({
        ...(JSON.parse(text) as WorkerReport),
        seen_at: seenAt.get(id) ?? 0,
        holding: held.get(id) ?? 0,
      }));
  }

  /**
   * Counts a worker's end, once per id, and drops its report. `reportedAs`: worker ids of its reports, where it is
   * counted by another id. `false`: it was counted before.
   */
  async recordExit(
    workerId: string,
    reason: ExitReason,
    reportedAs: readonly string[] = [],
  ): Promise<boolean> {
    const { exits, stats, workers, workersSeen } = this.#keys;
    const args = [workerId, reason, EXIT_MEMORY_MS, ...reportedAs];
    return (await SCRIPTS.recordExit.run(this.#redis, [exits, stats, workers, workersSeen], args)) === 1;
  }

  async #holdings(): Promise<Map<string, number>> {
    const held = new Map<string, number>();
    const streams = priorityStreams(this.#keys.stream);
    for (const consumers of await Promise.all(streams.map((stream) => this.#holdingsOf(stream))))
      for (const [name, count] of consumers) held.set(name, (held.get(name) ?? 0) + Number(count));
    return held;
  }

  async #holdingsOf(stream: string): Promise<[name: string, held: string][]> {
    try {
      const summary = await this.#redis.xpending(stream, CONSUMER_GROUP);
      return (summary[3] ?? []) as [name: string, held: string][];
    } catch (error) {
      if (error instanceof Error && error.message.includes("NOGROUP")) return [];
      throw error;
    }
  }
}

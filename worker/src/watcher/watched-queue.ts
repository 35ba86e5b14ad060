import type { Redis } from "ioredis";
import { queueKeys } from "../../contract/queue-keys.ts";
import { parseOrder, type ScalingOrder } from "../../contract/scaling-order.ts";
import { parseScaling, type ScalingRecord } from "../../contract/scaling-record.ts";
import { replies } from "../adapters/redis/connection.ts";
import { serverTimeMs } from "../adapters/redis/queue-status.ts";
import { type ReportedWorker, Workers } from "../adapters/redis/workers.ts";
import type { VanishedWorker } from "../ports/actuator.ts";

/** What the watcher reads of a queue and keeps in it. */
export interface WatchedQueue {
  /** What the spawner decided, and an operator said. */
  wanted(): Promise<{ readonly record: ScalingRecord | null; readonly order: ScalingOrder }>;
  /** Who reports, and the server's time in ms. */
  workers(): Promise<{ readonly nowMs: number; readonly reports: readonly ReportedWorker[] }>;
  /** Counts an end, once, and drops the reports from its host. */
  recordExit(vanished: VanishedWorker): Promise<void>;
}

/** The queue in Redis. */
export function watchedQueue(redis: Redis, stream: string): WatchedQueue {
  const { scaling, scalingOrder } = queueKeys(stream);
  const workers = new Workers(redis, stream);
  return {
    async wanted() {
      const both = redis.pipeline().hgetall(scaling).hgetall(scalingOrder);
      const [record, order] = (await replies(redis, both)) as [
        Record<string, string>,
        Record<string, string>,
      ];
      return { record: parseScaling(record), order: parseOrder(order) };
    },
    async workers() {
      const [nowMs, reports] = await Promise.all([serverTimeMs(redis), workers.list()]);
      return { nowMs, reports };
    },
    async recordExit({ workerId, host, reason }) {
      const reports = await workers.list();
      const ids = reports.filter((report) => report.host === host).map(({ worker_id }) => worker_id);
      await workers.recordExit(workerId, reason, ids);
    },
  };
}

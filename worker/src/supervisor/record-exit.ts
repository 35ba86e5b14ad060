import { setTimeout as delay } from "node:timers/promises";
import type { ExitReason } from "../../contract/records.ts";
import type { Settings } from "../config/load-settings.ts";

/** How long a supervisor tries; the spawner records the exits that it could not. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 1_000;

/**
 * Counts a worker's end in Redis. Returns whether that worked; while Redis is down it is tried again for a
 * minute. The client is loaded only now: a supervisor waits for hours and should be small.
 */
export async function recordExit(
  { redisUrl: url, redisPassword: password, streams }: Settings<"worker">,
  workerId: string,
  reason: ExitReason,
): Promise<boolean> {
  const { createConnection } = await import("../adapters/redis/connection.ts");
  const { Workers } = await import("../adapters/redis/workers.ts");
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const name = `${workerId}-supervisor`;
    const redis = createConnection({ url, password, profile: "client", name, queue: streams[0] ?? "" });
    try {
      await new Workers(redis, streams[0] ?? "").recordExit(workerId, reason);
      return true;
    } catch (error) {
      if (Date.now() > deadline) {
        const text = error instanceof Error ? error.message : String(error);
        process.stderr.write(`${workerId}: exit reason "${reason}" not recorded: ${text}\n`);
        return false;
      }
      await delay(RETRY_MS);
    } finally {
      redis.disconnect();
    }
  }
}

import type { Redis } from "ioredis";
import { WITHOUT_OUTPUTS } from "../adapters/files/outputs.ts";
import { Keeper } from "../adapters/redis/keeper.ts";
import { RecordStream } from "../adapters/redis/record-stream.ts";
import { Results } from "../adapters/redis/results.ts";
import { TaskPlaces } from "../adapters/redis/task-places.ts";
import type { ActivityStore } from "../ports/activity-store.ts";
import { type ResetRun, resetRuns } from "./reset.ts";

export interface ResetRequest {
  readonly olderThanMs: number;
  readonly dryRun: boolean;
  /** In ms since the epoch. */
  readonly now: number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** How often, and after which pause, the record is asked whether it has read on. */
const LOOKS = 10;
const LOOK_MS = 200;

/** The reset of one queue's runs; undefined where no spawner has led, for then its lease is not known. */
export async function openReset(
  redis: Redis,
  stream: string,
  store: ActivityStore,
): Promise<((request: ResetRequest) => Promise<readonly ResetRun[]>) | undefined> {
  const places = new TaskPlaces(redis, stream);
  const limits = await places.limits();
  if (limits === undefined) return undefined;
  return ({ olderThanMs, dryRun, now, sleep }) => {
    let looks = 0;
    return resetRuns({
      ...{ queue: stream, store, places, limits, now, dryRun, before: now - olderThanMs },
      source: new RecordStream(redis, stream),
      tasks: new Results(redis, redis, stream, WITHOUT_OUTPUTS),
      keeper: new Keeper(redis, stream),
      catchUp: async () => {
        await sleep(LOOK_MS);
        looks += 1;
        return looks >= LOOKS;
      },
    });
  };
}

import type { Redis } from "ioredis";
import { METRICS } from "../../contract/metrics.ts";
import { queueKeys } from "../../contract/queue-keys.ts";
import { WITHOUT_OUTPUTS } from "../adapters/files/outputs.ts";
import { RecordStream } from "../adapters/redis/record-stream.ts";
import { Results } from "../adapters/redis/results.ts";
import type { Settings } from "../config/load-settings.ts";
import type { Logger } from "../logging/logger.ts";
import type { ActivityStore } from "../ports/activity-store.ts";
import type { Family } from "../spawner/queue-metrics.ts";
import type { Loop } from "../spawner/repeat.ts";
import { Recorder } from "./recorder.ts";
import { retentionLoop, staleLoop } from "./upkeep.ts";

/** The record as the leading spawner keeps it. */
export interface LedRecord {
  /** What to do during one term. */
  loops(): readonly Loop[];
  metrics(): Promise<readonly Family[]>;
  /** What somebody has to mend before the database will serve; empty: nothing, or it is only away. */
  problems(): readonly string[];
  close(): Promise<void>;
}

export interface LedRecordOptions {
  readonly settings: Settings<"spawner">;
  readonly redis: Redis;
  readonly stream: string;
  readonly store: ActivityStore;
  readonly logger: Logger;
}

/** The parts that keep a queue's record in a store. */
export function ledRecord({ settings, redis, stream, store, logger }: LedRecordOptions): LedRecord {
  const source = new RecordStream(redis, stream);
  const tasks = new Results(redis, redis, stream, WITHOUT_OUTPUTS);
  const now = () => performance.now();
  let rowsBefore = 0;
  let recorder: Recorder | undefined;
  return {
    loops: () => {
      rowsBefore += recorder?.rows ?? 0;
      recorder = new Recorder({
        ...{ queue: stream, source, store, now, logger },
        bufferBytes: settings.recordBuffer,
        batchRows: settings.recordBatch,
        intervalMs: settings.recordInterval * 1000,
      });
      const { retention, retentionMode: mode } = settings;
      const upkeep = { queue: stream, source, store, tasks, now: Date.now, logger };
      return [recorder, staleLoop(upkeep), ...retentionLoop({ ...upkeep, retention, mode })];
    },
    metrics: async () => {
      const { usedBytes, lost } = await source.state();
      const [oldest] = await redis.xrange(queueKeys(stream).events, "-", "+", "COUNT", 1);
      const lagMs = oldest === undefined ? 0 : Math.max(0, Date.now() - Number.parseInt(oldest[0], 10));
      const sample = (value: number) => [{ labels: { stream }, value }];
      return [
        { definition: METRICS.recordPending, samples: sample(usedBytes) },
        { definition: METRICS.recordLost, samples: sample(lost) },
        { definition: METRICS.recordLag, samples: sample(lagMs / 1000) },
        { definition: METRICS.recordRows, samples: sample(rowsBefore + (recorder?.rows ?? 0)) },
      ];
    },
    problems: () => (recorder?.problem === undefined ? [] : [`record: ${recorder.problem}`]),
    close: () => store.close(),
  };
}

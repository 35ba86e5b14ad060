import type { Logger } from "../logging/logger.ts";
import { SPAWNER_EVENTS } from "./events.ts";
import type { Loop } from "./repeat.ts";

/** What the sweep needs of the queue; `Keeper` of the Redis adapter does it. */
export interface Sweeper {
  reclaim(limits: {
    leaseMs: number;
    maxDeliveries: number;
  }): Promise<{ readonly requeued: readonly string[]; readonly buried: readonly string[] }>;
  forgetConsumers(idleMs: number): Promise<unknown>;
}

export interface SweepOptions {
  readonly queue: Sweeper;
  /** Gives on the slots of limited kinds whose tasks were taken back. */
  readonly freeSlots: () => Promise<void>;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
  readonly everyMs: number;
  /** Records the ends of workers that vanished. */
  readonly reap: () => Promise<void>;
  readonly logger: Logger;
}

/** Leases after which a silent worker's name and report are forgotten. */
const FORGET_LEASES = 20;

/** Takes lost tasks back and tidies up after workers that are gone. */
export function sweepLoop(options: SweepOptions): Loop {
  const { queue, freeSlots, leaseMs, maxDeliveries, everyMs, reap, logger } = options;
  return {
    name: "sweep",
    async step() {
      await reap();
      const { requeued, buried } = await queue.reclaim({ leaseMs, maxDeliveries });
      if (requeued.length + buried.length > 0)
        logger.info({ requeued: requeued.length, dead_lettered: buried.length }, SPAWNER_EVENTS.reclaimed);
      await freeSlots();
      await queue.forgetConsumers(FORGET_LEASES * leaseMs);
      return everyMs;
    },
  };
}

import type { Redis } from "ioredis";
import type { LimitsByKind } from "../../contract/kind-limits.ts";
import { queueKeys } from "../../contract/queue-keys.ts";
import type { PublishedKind } from "../../contract/records.ts";
import type { BacklogPolicy } from "../../contract/scaling.ts";
import { ResultFiles } from "../adapters/files/result-files.ts";
import { Keeper } from "../adapters/redis/keeper.ts";
import { ParkedTasks } from "../adapters/redis/kind-limits.ts";
import { LeaderLease } from "../adapters/redis/lease.ts";
import { RecordStream } from "../adapters/redis/record-stream.ts";
import { neededFiles } from "../adapters/redis/result-references.ts";
import { TaskPlaces } from "../adapters/redis/task-places.ts";
import { Workers } from "../adapters/redis/workers.ts";
import type { Logger } from "../logging/logger.ts";
import type { Actuator } from "../ports/actuator.ts";
import type { ResultFile } from "../ports/result-store.ts";
import { noRecordLoop } from "../recorder/no-record.ts";
import { dueLoop } from "./due-loop.ts";
import { SPAWNER_EVENTS } from "./events.ts";
import type { FailureLog } from "./failure-log.ts";
import { Leadership } from "./leadership.ts";
import type { QueueSnapshot } from "./queue-metrics.ts";
import { readSnapshot, scaledQueue } from "./redis-queue.ts";
import { type Loop, repeat } from "./repeat.ts";
import { resultLoop } from "./result-loop.ts";
import { Scaler } from "./scaler.ts";
import { sweepLoop } from "./sweep-loop.ts";

export interface SpawnerOptions {
  readonly redis: Redis;
  readonly stream: string;
  /** Name of this process start, for the lease. */
  readonly holder: string;
  readonly actuator: Actuator | null;
  readonly kinds: readonly PublishedKind[];
  readonly limits: LimitsByKind;
  readonly policy: BacklogPolicy;
  readonly scaleIntervalMs: number;
  readonly leaseMs: number;
  readonly sweepIntervalMs: number;
  readonly maxDeliveries: number;
  readonly leaderLeaseMs: number;
  readonly revision: string;
  /** Where this spawner's /metrics answer. */
  readonly address: () => string;
  readonly logger: Logger;
  readonly failures: FailureLog;
  /** What keeps the record during a term; none: runs are not recorded. */
  readonly record?: { loops(): readonly Loop[] };
  /** Folder of results that are kept as files; "": none. */
  readonly resultDirectory: string;
  readonly resultTtlMs: number;
}

/** How often the leader publishes the kinds again, for a Redis that lost them. */
const PUBLISH_MS = 60_000;

/** Looks after one stream while it leads; of several spawners one does. */
export class Spawner {
  readonly #options: SpawnerOptions;
  readonly #keeper: Keeper;
  readonly #parked: ParkedTasks;
  readonly #workers: Workers;
  readonly #leadership: Leadership;
  #scaler: Scaler | null = null;

  constructor(options: SpawnerOptions) {
    const { redis, stream, holder, limits, leaderLeaseMs: ttlMs, failures, logger } = options;
    this.#options = options;
    this.#keeper = new Keeper(redis, stream);
    this.#parked = new ParkedTasks(redis, stream, limits);
    this.#workers = new Workers(redis, stream);
    this.#leadership = new Leadership({
      lease: new LeaderLease(redis, queueKeys(stream).leader, holder, ttlMs),
      ttlMs,
      failures,
      now: () => performance.now(),
      lead: (term) => this.#lead(term),
      changed: (leads) => logger.info({ holder }, leads ? SPAWNER_EVENTS.leading : SPAWNER_EVENTS.standingBy),
    });
  }

  get leads(): boolean {
    return this.#leadership.leads;
  }

  /** Until the signal; workers go on without it. */
  async run(stop: AbortSignal): Promise<void> {
    await Promise.all([this.#publishFirst(stop), this.#leadership.run(stop)]);
  }

  /** For the leader's metrics. */
  snapshot(): Promise<QueueSnapshot> {
    const { redis, stream, leaseMs } = this.#options;
    return readSnapshot(redis, stream, { leaseMs, decision: this.#scaler?.decision ?? null });
  }

  async #lead(term: AbortSignal): Promise<void> {
    const { failures, record, redis, stream } = this.#options;
    const scaler = this.#newScaler();
    this.#scaler = scaler;
    const parked: Loop = { ...dueLoop(this.#parked, Date.now), name: "parked" };
    const told = [this.#publish(), this.#publishLimits(), ...this.#results()];
    const upkeep = [dueLoop(this.#keeper, Date.now), parked, this.#sweep(), scaler, ...told];
    const recording = record?.loops() ?? [noRecordLoop(new RecordStream(redis, stream))];
    const loops = [...upkeep, ...recording];
    await Promise.all(loops.map((loop) => repeat(loop, term, failures)));
    this.#scaler = null;
  }

  #newScaler(): Scaler {
    const { redis, stream, scaleIntervalMs: intervalMs, ...rest } = this.#options;
    return new Scaler({
      ...rest,
      queue: scaledQueue(redis, stream),
      intervalMs,
      reap: () => this.#reap(),
      now: () => performance.now(),
    });
  }

  #sweep(): Loop {
    const { leaseMs, maxDeliveries, sweepIntervalMs: everyMs, logger } = this.#options;
    const reap = () => this.#reap();
    const freeSlots = () => this.#parked.sweep();
    return sweepLoop({ queue: this.#keeper, freeSlots, leaseMs, maxDeliveries, everyMs, reap, logger });
  }

  async #reap(): Promise<void> {
    const { actuator, logger } = this.#options;
    if (actuator === null) return;
    const reaped = await actuator.reap(async ({ workerId, reason }) => {
      await this.#workers.recordExit(workerId, reason);
    });
    if (reaped.length > 0) logger.warn({ workers: reaped }, SPAWNER_EVENTS.reaped);
  }

  #results(): readonly Loop[] {
    const { redis, stream: queue, resultDirectory: directory, resultTtlMs: ttlMs, logger } = this.#options;
    if (directory === "") return [];
    const store = new ResultFiles({ directory, workerId: "", now: Date.now });
    const needed = (files: readonly ResultFile[]) => neededFiles(redis, queue, files);
    return [resultLoop({ store, queue, needed, ttlMs, now: Date.now, logger })];
  }

  #publish(): Loop {
    return {
      name: "kinds",
      step: async () => {
        await this.#keeper.publishKinds(this.#options.kinds);
        return PUBLISH_MS;
      },
    };
  }

  /** For `runs reset`, which takes tasks back as the sweep does. */
  #publishLimits(): Loop {
    const { redis, stream, leaseMs, maxDeliveries } = this.#options;
    const places = new TaskPlaces(redis, stream);
    return {
      name: "limits",
      step: async () => {
        await places.publishLimits({ leaseMs, maxDeliveries });
        return PUBLISH_MS;
      },
    };
  }

  /** A standby publishes once, too: its kinds are the newer ones while a stack is updated. */
  async #publishFirst(stop: AbortSignal): Promise<void> {
    const { failures, kinds, logger } = this.#options;
    const done = new AbortController();
    const loop = this.#publish();
    const step = async () => {
      await loop.step(stop);
      logger.info({ kinds: kinds.map((kind) => kind.kind) }, SPAWNER_EVENTS.kindsPublished);
      done.abort();
      return 0;
    };
    await repeat({ name: loop.name, step }, AbortSignal.any([stop, done.signal]), failures);
  }
}

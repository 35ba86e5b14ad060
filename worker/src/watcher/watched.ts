import type { Redis } from "ioredis";
import { queueKeys } from "../../contract/queue-keys.ts";
import type { WatchedService } from "../../contract/watched-services.ts";
import { ComposeActuator, type ContainerEngine } from "../adapters/compose/compose-actuator.ts";
import type { ComposeProject } from "../adapters/compose/compose-project.ts";
import type { ContainerEvent } from "../adapters/compose/engine-events.ts";
import { Drains } from "../adapters/redis/drains.ts";
import { LeaderLease } from "../adapters/redis/lease.ts";
import type { Logger } from "../logging/logger.ts";
import { FailureLog } from "../spawner/failure-log.ts";
import { Leadership } from "../spawner/leadership.ts";
import { repeat } from "../spawner/repeat.ts";
import { WATCH_EVENTS } from "./events.ts";
import type { WatchedState } from "./metrics.ts";
import { ServiceWatch } from "./service-watch.ts";
import { watchedQueue } from "./watched-queue.ts";

export interface WatchedOptions extends WatchedService {
  readonly redis: Redis;
  readonly engine: ContainerEngine;
  readonly project: Pick<ComposeProject, "up" | "revision">;
  /** Name of this process start, for the lease. */
  readonly holder: string;
  readonly intervalMs: number;
  readonly leaseMs: number;
  readonly leaderLeaseMs: number;
  readonly logger: Logger;
}

const NOTHING = { starting: 0, idle: 0, busy: 0, draining: 0, started: 0 };
const EVENTS = "events";

/** One service, from the lease to its containers. Of several watchers one leads. */
export class Watched {
  readonly #options: WatchedOptions;
  readonly #failures: FailureLog;
  readonly #leadership: Leadership;
  #watch: ServiceWatch | null = null;
  #actuator: ComposeActuator | null = null;
  #started = 0;

  constructor(options: WatchedOptions) {
    const { redis, stream, holder, leaderLeaseMs: ttlMs, logger } = options;
    this.#options = options;
    this.#failures = new FailureLog(logger, () => performance.now(), WATCH_EVENTS);
    this.#leadership = new Leadership({
      lease: new LeaderLease(redis, queueKeys(stream).watcher, holder, ttlMs),
      ttlMs,
      failures: this.#failures,
      now: () => performance.now(),
      lead: (term) => this.#lead(term),
      changed: (leads) => logger.info({ holder }, leads ? WATCH_EVENTS.leading : WATCH_EVENTS.standingBy),
    });
  }

  /** Until the signal; containers go on without it. */
  run(stop: AbortSignal): Promise<void> {
    return this.#leadership.run(stop);
  }

  /** What keeps it from its work, a line each. */
  problems(): readonly string[] {
    const { service } = this.#options;
    return [...this.#failures.failing].map(([loop, message]) => `${service}: ${loop}: ${message}`);
  }

  state(): WatchedState {
    const counts = this.#watch?.counts ?? NOTHING;
    return {
      service: this.#options.service,
      leads: this.#leadership.leads,
      counts: { ...counts, started: this.#started + counts.started },
      failures: this.#failures.totals,
    };
  }

  /** An event of the project. */
  heard(event: ContainerEvent): void {
    if (event.service === this.#options.service && this.#actuator?.heard(event)) this.#watch?.wake();
  }

  eventsLast(): void {
    this.#failures.succeeded(EVENTS);
    this.#watch?.wake();
  }

  eventsFailed(error: unknown): void {
    this.#failures.failed(EVENTS, error);
  }

  async #lead(term: AbortSignal): Promise<void> {
    const { redis, stream, service, engine, project, logger } = this.#options;
    const actuator = new ComposeActuator({
      ...{ service, engine, now: Date.now, drains: new Drains(redis, stream) },
      up: (replicas) => project.up(service, replicas, term),
      ended: ({ id, reason, exitCode, oomKilled }) =>
        logger.info({ container: id, reason, exit_code: exitCode, oom: oomKilled }, WATCH_EVENTS.ended),
    });
    const watch = new ServiceWatch({
      ...this.#options,
      ...{ actuator, queue: watchedQueue(redis, stream), failures: this.#failures },
      revision: () => project.revision(service),
      now: () => performance.now(),
    });
    this.#actuator = actuator;
    this.#watch = watch;
    await repeat(watch, term, this.#failures);
    await watch.settled();
    this.#started += watch.counts.started;
    this.#watch = null;
    this.#actuator = null;
  }
}

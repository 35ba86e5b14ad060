import type { ComposeActuator } from "../adapters/compose/compose-actuator.ts";
import type { Logger } from "../logging/logger.ts";
import type { FailureLog } from "../spawner/failure-log.ts";
import { fleetMembers, liveMembers, type Member } from "../spawner/fleet.ts";
import { plan, stuckWorkers, trackIdle, trackSilent } from "../spawner/plan.ts";
import type { Loop } from "../spawner/repeat.ts";
import { StartBackoff } from "../spawner/start-backoff.ts";
import { WATCH_EVENTS } from "./events.ts";
import { wantedWorkers } from "./wanted.ts";
import type { WatchedQueue } from "./watched-queue.ts";

export interface ServiceWatchOptions {
  readonly queue: WatchedQueue;
  readonly actuator: Pick<ComposeActuator, "list" | "start" | "drain" | "reap" | "endLate">;
  /** The revision that a new container would have. */
  readonly revision: () => Promise<string>;
  readonly intervalMs: number;
  readonly leaseMs: number;
  readonly logger: Logger;
  readonly failures: FailureLog;
  /** A monotonic clock in ms. */
  readonly now: () => number;
}

/** Containers of a service by what their workers do, and starts so far. */
export interface WatchCounts {
  readonly starting: number;
  readonly idle: number;
  readonly busy: number;
  readonly draining: number;
  readonly started: number;
}

/** How often Redis is asked for another wanted number. */
const POLL_MS = 250;
/** How often containers are looked at while some start, end or are being replaced. */
const SOON_MS = 1_000;

/** Names of what can fail, for logs, metrics and readiness. */
const LOOPS = { watch: "watch", start: "start", definition: "definition" } as const;

/** Carries out for one service what its queue's spawner decides, during one term of leadership. */
export class ServiceWatch implements Loop {
  readonly name = LOOPS.watch;
  readonly #options: ServiceWatchOptions;
  readonly #starts = new StartBackoff();
  #idleSince: ReadonlyMap<string, number> = new Map();
  #silentSince: ReadonlyMap<string, number> = new Map();
  #revision = "";
  #seen = "";
  #nextMs = -Infinity;
  #launch: Promise<void> | null = null;
  #counts: WatchCounts = { starting: 0, idle: 0, busy: 0, draining: 0, started: 0 };

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  get counts(): WatchCounts {
    return this.#counts;
  }

  /** Has it look at the containers with its next poll. */
  wake(): void {
    this.#nextMs = -Infinity;
  }

  /** Resolves when no container is being started. */
  async settled(): Promise<void> {
    await this.#launch;
  }

  async step(term: AbortSignal): Promise<number> {
    const { queue, now, intervalMs } = this.#options;
    const { record, order } = await queue.wanted();
    const wanted = wantedWorkers(record, order);
    const seen = `${wanted} ${order.mode}`;
    if (seen !== this.#seen || now() >= this.#nextMs) {
      this.#nextMs = now() + intervalMs;
      this.#seen = seen;
      await this.#look(wanted, term);
    }
    return Math.max(0, Math.min(POLL_MS, this.#nextMs - now()));
  }

  async #look(wanted: number | null, term: AbortSignal): Promise<void> {
    const { actuator, queue, leaseMs, logger } = this.#options;
    const managed = await actuator.list();
    await actuator.reap((vanished) => queue.recordExit(vanished));
    const killed = await actuator.endLate();
    if (killed.length > 0) logger.warn({ containers: killed }, WATCH_EVENTS.killed);
    await this.#readRevision();
    const { nowMs, reports } = await queue.workers();
    const view = { nowMs, localNowMs: Date.now(), leaseMs, revision: this.#revision };
    const members = fleetMembers(managed, reports, view);
    this.#count(members);
    this.#idleSince = trackIdle(this.#idleSince, members, nowMs);
    this.#silentSince = trackSilent(this.#silentSince, members, nowMs);
    if (members.some(({ ready, draining, stale }) => !ready || draining || stale)) this.#soonerThan(SOON_MS);
    if (wanted !== null && !term.aborted) await this.#actuate(wanted, members, nowMs, term);
  }

  async #actuate(
    wanted: number,
    members: readonly Member[],
    nowMs: number,
    term: AbortSignal,
  ): Promise<void> {
    const { actuator, logger, now } = this.#options;
    const { start, drain } = plan(wanted, members, this.#idleSince);
    const stale = new Set(members.filter((member) => member.stale).map(({ workerId }) => workerId));
    const spare = drain.filter((id) => !stale.has(id));
    const others = [...drain.filter((id) => stale.has(id)), ...stuckWorkers(this.#silentSince, nowMs)];
    const failed = this.#starts.observe(members, now());
    if (failed > 0) logger.warn({ containers: failed }, WATCH_EVENTS.startsPaused);
    await actuator.drain(spare, "idle");
    await actuator.drain(others, "signal");
    const starting = start > 0 && this.#launch === null && now() >= this.#starts.pausedUntilMs ? start : 0;
    if (start > starting) this.#soonerThan(SOON_MS);
    if (starting > 0) this.#start(starting, term);
    if (starting + drain.length === 0) return;
    const live = liveMembers(members);
    const busy = live.filter((member) => member.busy).length;
    const done = { starting, drained: spare.length + others.length };
    logger.info({ wanted, live: live.length, busy, ...done }, WATCH_EVENTS.scaled);
  }

  /** Begins to start containers: Compose takes its time, and others may be drained meanwhile. */
  #start(count: number, term: AbortSignal): void {
    const { actuator, failures, logger, now } = this.#options;
    const ended = async () => {
      try {
        const containers = await actuator.start(count);
        this.#starts.started(containers);
        this.#counts = { ...this.#counts, started: this.#counts.started + containers.length };
        failures.succeeded(LOOPS.start);
        logger.info({ containers }, WATCH_EVENTS.started);
      } catch (error) {
        if (term.aborted) return;
        this.#starts.failed(now());
        failures.failed(LOOPS.start, error);
      } finally {
        this.#launch = null;
        this.wake();
      }
    };
    this.#launch = ended();
  }

  /** A project that cannot be read keeps nobody from being drained: the last revision counts. */
  async #readRevision(): Promise<void> {
    const { revision, failures } = this.#options;
    try {
      this.#revision = await revision();
      failures.succeeded(LOOPS.definition);
    } catch (error) {
      failures.failed(LOOPS.definition, error);
    }
  }

  #count(members: readonly Member[]): void {
    const own = members.filter(({ managed }) => managed);
    const live = own.filter(({ draining }) => !draining);
    const ready = live.filter((member) => member.ready);
    const busy = ready.filter((member) => member.busy).length;
    const draining = own.length - live.length;
    const { started } = this.#counts;
    this.#counts = {
      starting: live.length - ready.length,
      idle: ready.length - busy,
      busy,
      draining,
      started,
    };
  }

  /** Looks again after so many ms at the latest. */
  #soonerThan(ms: number): void {
    this.#nextMs = Math.min(this.#nextMs, this.#options.now() + ms);
  }
}

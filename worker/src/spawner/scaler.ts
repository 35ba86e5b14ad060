import {
  type BacklogPolicy,
  decide,
  initialState,
  pendingTasks,
  type ScalingDecision,
  type ScalingSignals,
  type ScalingState,
} from "../../contract/scaling.ts";
import { obey, type ScalingOrder, sameOrder } from "../../contract/scaling-order.ts";
import { recordOf, type ScalingRecord, stateOf } from "../../contract/scaling-record.ts";
import type { ReportedWorker } from "../adapters/redis/workers.ts";
import type { Logger } from "../logging/logger.ts";
import type { Actuator } from "../ports/actuator.ts";
import { SPAWNER_EVENTS } from "./events.ts";
import { fleetMembers, liveMembers, type Member } from "./fleet.ts";
import { plan, stuckWorkers, trackIdle, trackSilent } from "./plan.ts";
import type { Loop } from "./repeat.ts";
import { StartBackoff } from "./start-backoff.ts";

/** What the scaler reads of the queue and keeps in it. */
export interface ScaledQueue {
  /** The server's time in ms, and the tasks that count. */
  backlog(): Promise<Pick<ScalingSignals, "nowMs" | "waiting" | "running" | "dueRetries">>;
  /** Waiting and running tasks; as cheap as can be. */
  length(): Promise<number>;
  workers(): Promise<readonly ReportedWorker[]>;
  /** Workers that reported within so many ms and take tasks. */
  reporting(withinMs: number): Promise<number>;
  /** What an operator said. */
  order(): Promise<ScalingOrder>;
  readRecord(): Promise<ScalingRecord | null>;
  writeRecord(record: ScalingRecord): Promise<unknown>;
}

export interface ScalerOptions {
  readonly queue: ScaledQueue;
  /** `null` where the target scales by itself: then decisions are only published. */
  readonly actuator: Actuator | null;
  readonly policy: BacklogPolicy;
  readonly intervalMs: number;
  readonly leaseMs: number;
  readonly revision: string;
  /** Where this spawner's /metrics answer. */
  readonly address: () => string;
  /** Records the ends of workers that vanished, so that they do not count as live. */
  readonly reap: () => Promise<void>;
  readonly logger: Logger;
  /** A monotonic clock in ms. */
  readonly now: () => number;
}

/** How often the leader looks whether tasks wait while no worker lives, and for an operator's order. */
const PROMPT_MS = 250;
/** How often it acts while workers of another revision are being replaced. */
const ROLL_MS = 1_000;

/** Carries the scaling law out during one term of leadership. */
export class Scaler implements Loop {
  readonly name = "scale";
  readonly #options: ScalerOptions;
  readonly #starts = new StartBackoff();
  #state: ScalingState | null = null;
  #decision: ScalingDecision | null = null;
  /** The one that was obeyed last. */
  #order: ScalingOrder | null = null;
  #idleSince: ReadonlyMap<string, number> = new Map();
  #silentSince: ReadonlyMap<string, number> = new Map();
  #nextMs = -Infinity;
  #promptAgainMs = -Infinity;

  constructor(options: ScalerOptions) {
    this.#options = options;
  }

  /** The last decision of this term. */
  get decision(): ScalingDecision | null {
    return this.#decision;
  }

  async step(term: AbortSignal): Promise<number> {
    const { now, intervalMs } = this.#options;
    if (now() >= this.#nextMs || (await this.#orderIsNew())) {
      this.#nextMs = now() + intervalMs;
      await this.#act(term);
    } else if (now() >= this.#promptAgainMs && (await this.#tasksWaitForNobody())) {
      // Once an interval at most, or workers that die at once would be started without end.
      this.#promptAgainMs = now() + intervalMs;
      this.#nextMs = now() + intervalMs;
      await this.#act(term);
    }
    return Math.max(0, Math.min(PROMPT_MS, this.#nextMs - now()));
  }

  async #tasksWaitForNobody(): Promise<boolean> {
    const { queue, actuator, leaseMs } = this.#options;
    if ((await queue.length()) === 0) return false;
    if (actuator === null) return (await queue.reporting(leaseMs)) === 0;
    return (await actuator.list()).every((worker) => worker.draining);
  }

  async #orderIsNew(): Promise<boolean> {
    if (this.#order === null) return false;
    return !sameOrder(await this.#options.queue.order(), this.#order);
  }

  async #act(term: AbortSignal): Promise<void> {
    const { actuator, policy, queue, reap } = this.#options;
    await reap();
    const { members, signals, order } = await this.#look();
    this.#state ??= await this.#begin(signals.liveWorkers);
    const decision = obey(order, decide(signals, policy, this.#state), signals.liveWorkers);
    this.#order = order;
    this.#state = decision.state;
    this.#decision = decision;
    const { nowMs: decidedAtMs, busyWorkers, liveWorkers } = signals;
    const pending = pendingTasks(signals);
    const address = this.#options.address();
    try {
      await queue.writeRecord(
        recordOf(decision, { decidedAtMs, pending, busyWorkers, liveWorkers, address }),
      );
    } finally {
      // Whatever keeps the record from being written, the fleet must still follow the queue.
      if (actuator !== null && !term.aborted && order.mode !== "paused")
        await this.#actuate(actuator, decision, members, signals);
    }
  }

  /** Reads everything that the law needs; while that fails, the last decision holds. */
  async #look(): Promise<{
    members: readonly Member[];
    signals: ScalingSignals;
    order: ScalingOrder;
  }> {
    const { queue, actuator, policy, leaseMs, revision } = this.#options;
    try {
      const managed = actuator === null ? [] : await actuator.list();
      const [backlog, reports, order] = await Promise.all([queue.backlog(), queue.workers(), queue.order()]);
      const view = { nowMs: backlog.nowMs, localNowMs: Date.now(), leaseMs, revision };
      const members = fleetMembers(managed, reports, view);
      const live = liveMembers(members);
      const busyWorkers = live.filter((member) => member.busy).length;
      return { members, signals: { ...backlog, busyWorkers, liveWorkers: live.length }, order };
    } catch (error) {
      if (this.#state !== null) this.#decision = decide(null, policy, this.#state);
      throw error;
    }
  }

  async #begin(liveWorkers: number): Promise<ScalingState> {
    const record = await this.#options.queue.readRecord();
    return record === null ? initialState(liveWorkers) : stateOf(record);
  }

  async #actuate(
    actuator: Actuator,
    decision: ScalingDecision,
    members: readonly Member[],
    signals: ScalingSignals,
  ): Promise<void> {
    const { logger, now } = this.#options;
    this.#idleSince = trackIdle(this.#idleSince, members, signals.nowMs);
    this.#silentSince = trackSilent(this.#silentSince, members, signals.nowMs);
    const { start, drain: spare } = plan(decision.desired, members, this.#idleSince);
    const drain = [...spare, ...stuckWorkers(this.#silentSince, signals.nowMs)];
    const failed = this.#starts.observe(members, now());
    if (failed > 0) logger.warn({ workers: failed }, SPAWNER_EVENTS.startsPaused);
    if (members.some((member) => member.stale)) this.#soonerThan(now() + ROLL_MS);
    if (drain.length > 0) await actuator.drain(drain);
    const paused = start > 0 && now() < this.#starts.pausedUntilMs;
    if (paused) this.#soonerThan(this.#starts.pausedUntilMs);
    const started = start > 0 && !paused ? await actuator.start(start) : [];
    this.#starts.started(started);
    if (started.length + drain.length === 0) return;
    const { desired, reason } = decision;
    const counts = { live: signals.liveWorkers, busy: signals.busyWorkers, pending: pendingTasks(signals) };
    logger.info(
      { desired, reason, ...counts, started: started.length, drained: drain.length },
      SPAWNER_EVENTS.scaled,
    );
  }

  /** Decides again at this time at the latest. */
  #soonerThan(ms: number): void {
    this.#nextMs = Math.min(this.#nextMs, ms);
  }
}

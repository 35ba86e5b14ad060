/**
 * The scaling law: how many workers a fleet should have. Pure; the spawner runs it where the target has no
 * scaler of its own, and the targets render the same policy into their own terms.
 */

export interface BacklogPolicy {
  /** Fewest workers until the idle rule fires. */
  readonly min: number;
  readonly max: number;
  /** Pending tasks that justify one worker. */
  readonly tasksPerWorker: number;
  /** Free workers kept ahead of demand while there is work. */
  readonly warmPool: number;
  /** Whether the warm pool stays when the idle rule fires. */
  readonly warmPoolWhenIdle: boolean;
  /** Waiting and running both 0 for this long: no workers. In seconds. */
  readonly idleToZeroSeconds: number;
}

export interface ScalingSignals {
  readonly nowMs: number;
  /** Tasks in the stream that no worker holds. */
  readonly waiting: number;
  /** Tasks that workers hold. */
  readonly running: number;
  /** Retries and delayed tasks whose time has come. */
  readonly dueRetries: number;
  /** Workers that hold at least one task. */
  readonly busyWorkers: number;
  /** Workers that exist or are starting, draining ones excepted. */
  readonly liveWorkers: number;
}

export interface ScalingState {
  /** Since when nothing is pending; `null` while there is work. */
  readonly idleSinceMs: number | null;
  /** What was decided last: the number that is held while the signals are lost. */
  readonly desired: number;
}

/**
 * Which term of the law decided, for people and dashboards. `manual` and `paused`: not the law, but an operator
 * (`scaling-order.ts`).
 */
export const SCALING_REASONS = [
  "backlog",
  "minimum",
  "maximum",
  "busy",
  "warm-pool",
  "idle",
  "hold",
  "manual",
  "paused",
] as const;
export type ScalingReason = (typeof SCALING_REASONS)[number];

export interface ScalingDecision {
  readonly desired: number;
  readonly reason: ScalingReason;
  readonly state: ScalingState;
}

/** Where a law begins that knows only how many workers there are. */
export function initialState(liveWorkers: number): ScalingState {
  return { idleSinceMs: null, desired: liveWorkers };
}

/** Tasks that want a worker now. Delayed tasks count from the moment they are due. */
export function pendingTasks(signals: Pick<ScalingSignals, "waiting" | "running" | "dueRetries">): number {
  return signals.waiting + signals.running + signals.dueRetries;
}

/**
 * How many workers there should be. `signals` is `null` while they cannot be read: then the last decision
 * holds and the state stays as it is. The number is never below the busy workers, and over `policy.max` only
 * for their sake.
 */
export function decide(
  signals: ScalingSignals | null,
  policy: BacklogPolicy,
  state: ScalingState,
): ScalingDecision {
  if (signals === null) return { desired: state.desired, reason: "hold", state };
  const pending = pendingTasks(signals);
  if (pending > 0) {
    const wanted = forWork(pending, signals.busyWorkers, policy);
    return { ...wanted, state: { idleSinceMs: null, desired: wanted.desired } };
  }
  // A clock that went back must not make the idle time negative for as long again.
  const idleSinceMs = Math.min(state.idleSinceMs ?? signals.nowMs, signals.nowMs);
  const wanted = withoutWork(signals, policy, idleSinceMs);
  return { ...wanted, state: { idleSinceMs, desired: wanted.desired } };
}

type Wanted = Pick<ScalingDecision, "desired" | "reason">;

/** The largest of the candidates; of equal ones the first, so that its reason is the one that is told. */
function largest(first: Wanted, ...others: readonly Wanted[]): Wanted {
  return others.reduce((best, other) => (other.desired > best.desired ? other : best), first);
}

function forWork(pending: number, busy: number, policy: BacklogPolicy): Wanted {
  const backlog = Math.floor(pending / policy.tasksPerWorker);
  // One at least: with a minimum of 0, fewer tasks than `tasksPerWorker` would otherwise wait for ever.
  const floor = Math.max(1, policy.min);
  const capped = (desired: number, reason: Wanted["reason"]): Wanted =>
    desired > policy.max ? { desired: policy.max, reason: "maximum" } : { desired, reason };
  return largest(
    capped(backlog, "backlog"),
    { desired: floor, reason: "minimum" },
    { desired: busy, reason: "busy" },
    capped(busy + policy.warmPool, "warm-pool"),
  );
}

function withoutWork(signals: ScalingSignals, policy: BacklogPolicy, idleSinceMs: number): Wanted {
  const pool: Wanted = {
    desired: policy.warmPoolWhenIdle ? Math.min(policy.max, policy.warmPool) : 0,
    reason: "warm-pool",
  };
  const idle: Wanted = { desired: 0, reason: "idle" };
  const busy: Wanted = { desired: signals.busyWorkers, reason: "busy" };
  const fired = signals.nowMs - idleSinceMs >= policy.idleToZeroSeconds * 1000;
  if (fired || signals.liveWorkers === 0) return largest(idle, pool, busy);
  return largest({ desired: policy.min, reason: "minimum" }, pool, busy);
}

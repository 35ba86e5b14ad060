import { liveMembers, type Member } from "./fleet.ts";

/** What the actuator is to do. */
export interface Plan {
  readonly start: number;
  /** Worker ids. */
  readonly drain: readonly string[];
}

/** Share of the desired workers by which a fleet may grow while its workers are replaced; one at least. */
const SURGE = 0.25;

/**
 * How to come from this fleet to `desired` workers of its revision. Idle workers go first, the longest idle
 * before the others, and busy ones never, except that workers of another revision are all replaced: each is
 * drained only when a fresh one is ready in its place.
 *
 * `idleSince`: since when an idle worker is known to be idle, in ms.
 */
export function plan(
  desired: number,
  members: readonly Member[],
  idleSince: ReadonlyMap<string, number>,
): Plan {
  const live = liveMembers(members);
  const stale = live.filter((member) => member.stale);
  const order = byIdleTime(idleSince);
  if (stale.length > 0) return roll(desired, live, order);
  const ready = live.filter((member) => member.ready);
  const idle = ready.filter((member) => member.managed && !member.busy).sort(order);
  return {
    start: Math.max(0, desired - live.length),
    // One that still starts replaces nobody yet.
    drain: ids(idle.slice(0, Math.max(0, ready.length - desired))),
  };
}

function roll(desired: number, live: readonly Member[], order: Order): Plan {
  const stale = live.filter((member) => member.stale).sort(order);
  const fresh = live.filter((member) => !member.stale);
  const ready = fresh.filter((member) => member.ready).length;
  const surge = Math.max(1, Math.ceil(desired * SURGE));
  return {
    start: Math.max(0, Math.min(desired - fresh.length, desired + surge - live.length)),
    drain: ids(stale.slice(0, Math.max(0, ready + stale.length - desired))),
  };
}

type Order = (a: Member, b: Member) => number;

/** Idle before busy; among idle ones the longest idle first, then the oldest. */
function byIdleTime(idleSince: ReadonlyMap<string, number>): Order {
  const since = (member: Member) => idleSince.get(member.workerId) ?? Number.MAX_SAFE_INTEGER;
  return (a, b) => Number(a.busy) - Number(b.busy) || since(a) - since(b) || a.startedAt - b.startedAt;
}

function ids(members: readonly Member[]): string[] {
  return members.map((member) => member.workerId);
}

type Track = (
  before: ReadonlyMap<string, number>,
  members: readonly Member[],
  nowMs: number,
) => Map<string, number>;

/** Since when such workers have been seen so without a break: the times seen before, brought up to now. */
function trackThose(which: (member: Member) => boolean): Track {
  return (before, members, nowMs) =>
    new Map(members.filter(which).map(({ workerId }) => [workerId, before.get(workerId) ?? nowMs]));
}

/** Since when each idle worker has been seen idle. */
export const trackIdle = trackThose((member) => member.ready && !member.busy);

/** Since when each silent worker that can be stopped has been seen silent. */
export const trackSilent = trackThose((member) => member.managed && member.silent && !member.draining);

/** After an outage of Redis or a sleep of the machine all workers are silent for a moment; none is stuck. */
const STUCK_MS = 10_000;

/** Workers that do not come to speak again. They are asked to end, and their supervisors see to it. */
export function stuckWorkers(silentSince: ReadonlyMap<string, number>, nowMs: number): string[] {
  return [...silentSince].filter(([, sinceMs]) => nowMs - sinceMs >= STUCK_MS).map(([workerId]) => workerId);
}

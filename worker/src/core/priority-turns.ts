import { PRIORITIES, PRIORITY_WEIGHTS, type Priority } from "../../contract/priorities.ts";

/** How many tasks of each priority to take next. */
export type PriorityShares = Readonly<Record<Priority, number>>;

/**
 * The order in which priorities have their turns: each as often as its weight in a round, spread evenly (smooth
 * weighted round robin).
 */
const ROUND: readonly Priority[] = makeRound();

function makeRound(): Priority[] {
  const total = PRIORITIES.reduce((sum, priority) => sum + PRIORITY_WEIGHTS[priority], 0);
  const credit = new Map<Priority, number>(PRIORITIES.map((priority) => [priority, 0]));
  return Array.from({ length: total }, () => {
    for (const priority of PRIORITIES)
      credit.set(priority, (credit.get(priority) ?? 0) + PRIORITY_WEIGHTS[priority]);
    const next = PRIORITIES.reduce((best, one) =>
      (credit.get(one) ?? 0) > (credit.get(best) ?? 0) ? one : best,
    );
    credit.set(next, (credit.get(next) ?? 0) - total);
    return next;
  });
}

/** Deals turns out; where one call ends the next goes on. */
export class PriorityTurns {
  #at = 0;

  next(count: number): PriorityShares {
    const rounds = Math.floor(count / ROUND.length);
    const shares = { high: 0, normal: 0, low: 0 };
    for (const priority of PRIORITIES) shares[priority] = rounds * PRIORITY_WEIGHTS[priority];
    for (let turn = rounds * ROUND.length; turn < count; turn++) {
      const priority = ROUND[this.#at];
      if (priority !== undefined) shares[priority]++;
      this.#at = (this.#at + 1) % ROUND.length;
    }
    return shares;
  }
}

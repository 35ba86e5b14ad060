import type { Logger } from "../logging/logger.ts";
import { SPAWNER_EVENTS } from "./events.ts";

const REPEAT_MS = 60_000;

interface Streak {
  readonly sinceMs: number;
  failures: number;
  loggedMs: number;
}

/**
 * Logs what fails again and again without flooding: the first failure of a streak, one line a minute while it
 * lasts, one line when it is over.
 */
export class FailureLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #streaks = new Map<string, Streak>();
  readonly #totals = new Map<string, number>();

  /** `now`: a clock in ms. */
  constructor(logger: Logger, now: () => number) {
    this.#logger = logger;
    this.#now = now;
  }

  /** Failures so far, by loop. */
  get totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  failed(loop: string, exception: unknown): void {
    const nowMs = this.#now();
    const streak = this.#streaks.get(loop) ?? { sinceMs: nowMs, failures: 0, loggedMs: -Infinity };
    streak.failures += 1;
    this.#streaks.set(loop, streak);
    this.#totals.set(loop, (this.#totals.get(loop) ?? 0) + 1);
    if (nowMs - streak.loggedMs < REPEAT_MS) return;
    streak.loggedMs = nowMs;
    this.#logger.warn({ loop, failures: streak.failures, exception }, SPAWNER_EVENTS.loopFailed);
  }

  succeeded(loop: string): void {
    const streak = this.#streaks.get(loop);
    if (streak === undefined) return;
    this.#streaks.delete(loop);
    const seconds = (this.#now() - streak.sinceMs) / 1000;
    this.#logger.info({ loop, failures: streak.failures, seconds }, SPAWNER_EVENTS.loopRecovered);
  }
}

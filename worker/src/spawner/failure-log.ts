import type { Logger } from "../logging/logger.ts";
import { SPAWNER_EVENTS } from "./events.ts";

const REPEAT_MS = 60_000;

interface Streak {
  readonly sinceMs: number;
  failures: number;
  loggedMs: number;
  message: string;
}

/** What is logged when a streak begins or lasts, and when it is over. */
export interface FailureEvents {
  readonly failed: string;
  readonly recovered: string;
}

/**
 * Logs what fails again and again without flooding: the first failure of a streak, one line a minute while it
 * lasts, one line when it is over.
 */
export class FailureLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #events: FailureEvents;
  readonly #streaks = new Map<string, Streak>();
  readonly #totals = new Map<string, number>();

  /** `now`: a clock in ms. */
  constructor(
    logger: Logger,
    now: () => number,
    events: FailureEvents = { failed: SPAWNER_EVENTS.loopFailed, recovered: SPAWNER_EVENTS.loopRecovered },
  ) {
    this.#logger = logger;
    this.#now = now;
    this.#events = events;
  }

  /** Failures so far, by loop. */
  get totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  /** What fails at present: the last message, by loop. */
  get failing(): ReadonlyMap<string, string> {
    return new Map([...this.#streaks].map(([loop, { message }]) => [loop, message]));
  }

  failed(loop: string, exception: unknown): void {
    const nowMs = this.#now();
    const streak = this.#streaks.get(loop) ?? {
      sinceMs: nowMs,
      failures: 0,
      loggedMs: -Infinity,
      message: "",
    };
    streak.failures += 1;
    streak.message = exception instanceof Error ? exception.message : String(exception);
    this.#streaks.set(loop, streak);
    this.#totals.set(loop, (this.#totals.get(loop) ?? 0) + 1);
    if (nowMs - streak.loggedMs < REPEAT_MS) return;
    streak.loggedMs = nowMs;
    this.#logger.warn({ loop, failures: streak.failures, exception }, this.#events.failed);
  }

  succeeded(loop: string): void {
    const streak = this.#streaks.get(loop);
    if (streak === undefined) return;
    this.#streaks.delete(loop);
    const seconds = (this.#now() - streak.sinceMs) / 1000;
    this.#logger.info({ loop, failures: streak.failures, seconds }, this.#events.recovered);
  }
}

/** Keeps frequent log events rare. Time comes in, so that nothing here needs a clock of its own. */

/** Lets an event through at most once in a period, and counts what it held back. */
export class AtMostEvery {
  readonly #periodMs: number;
  #last = Number.NEGATIVE_INFINITY;
  #held = 0;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** `null`: hold it back. Else the number held back since the last one that passed. */
  pass(nowMs: number): number | null {
    if (nowMs - this.#last < this.#periodMs) {
      this.#held++;
      return null;
    }
    const held = this.#held;
    this.#last = nowMs;
    this.#held = 0;
    return held;
  }
}

/** Lets so many events a second through and counts the others of that second. */
export class PerSecond {
  readonly #limit: number;
  #second = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #excess = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether this event goes through by itself. */
  pass(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#passed = 0;
    }
    if (this.#passed < this.#limit) {
      this.#passed++;
      return true;
    }
    this.#excess++;
    return false;
  }

  /** How many did not go through since the last call. */
  takeExcess(): number {
    const excess = this.#excess;
    this.#excess = 0;
    return excess;
  }
}

/** Weight of the newest run. */
const WEIGHT = 0.2;

/** Mean run time of recent tasks, newer ones weighing more. */
export class MeanRunTime {
  #meanMs: number | null = null;

  /** In ms; `null` before the first run. */
  get valueMs(): number | null {
    return this.#meanMs;
  }

  /** `measuredMs`: below 0 counts as 0, for a mean below 0 would end all reading. */
  add(measuredMs: number): void {
    const runMs = Math.max(0, measuredMs);
    this.#meanMs = this.#meanMs === null ? runMs : this.#meanMs + WEIGHT * (runMs - this.#meanMs);
  }
}

/** Weight of the newest run. */
const WEIGHT = 0.2;

/** Mean run time of recent tasks, newer ones weighing more. */
export class MeanRunTime {
  #meanMs: number | null = null;

  /** In ms; `null` before the first run. */
  get valueMs(): number | null {
    return this.#meanMs;
  }

  add(runMs: number): void {
    this.#meanMs = this.#meanMs === null ? runMs : this.#meanMs + WEIGHT * (runMs - this.#meanMs);
  }
}

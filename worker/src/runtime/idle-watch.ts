/** Calls `onIdle` once when there was no task for so long. */
export class IdleWatch {
  readonly #limitMs: number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  /** `limitMs`: 0 for never. */
  constructor(limitMs: number, onIdle: () => void) {
    this.#limitMs = limitMs;
    this.#onIdle = onIdle;
  }

  /** Tells whether there is no task now; the time counts from the first of several such calls. */
  update(idle: boolean): void {
    if (!idle) this.#clear();
    else if (this.#timer === null && this.#limitMs > 0 && !this.#stopped) {
      this.#timer = setTimeout(this.#onIdle, this.#limitMs);
    }
  }

  /** The time counts from now again: nobody can say whether there are tasks while Redis is silent. */
  restart(): void {
    if (this.#timer === null) return;
    this.#clear();
    this.update(true);
  }

  stop(): void {
    this.#stopped = true;
    this.#clear();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Hands items on in the order of their places, each as soon as all before it are there. */
export class InOrder<T> {
  readonly #emit: (items: readonly T[]) => void;
  readonly #early = new Map<number, T>();
  readonly #waiting = new Set<() => void>();
  #next = 0;

  constructor(emit: (items: readonly T[]) => void) {
    this.#emit = emit;
  }

  /** The first place that has not been handed on. */
  get next(): number {
    return this.#next;
  }

  put(place: number, item: T): void {
    this.#early.set(place, item);
    const ready: T[] = [];
    for (let early = this.#early.get(this.#next); early !== undefined; early = this.#early.get(this.#next)) {
      ready.push(early);
      this.#early.delete(this.#next);
      this.#next += 1;
    }
    if (ready.length === 0) return;
    this.#emit(ready);
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when `next` has reached a place, or `signal` aborts. */
  async reached(place: number, signal: AbortSignal): Promise<void> {
    while (this.#next < place && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }
}

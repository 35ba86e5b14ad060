/** Lets one loop wait for others to say that something changed. */
export class Wakeup {
  #next: PromiseWithResolvers<void> | null = null;

  /** Resolves with the next `notify`. */
  wait(): Promise<void> {
    this.#next ??= Promise.withResolvers<void>();
    return this.#next.promise;
  }

  notify(): void {
    this.#next?.resolve();
    this.#next = null;
  }
}

/** Lets one loop wait for others to say that something changed. */
export class Wakeup {
  #next = Promise.withResolvers<void>();

  /** Resolves with the next `notify`. */
  wait(): Promise<void> {
    return this.#next.promise;
  }

  notify(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers<void>();
  }
}

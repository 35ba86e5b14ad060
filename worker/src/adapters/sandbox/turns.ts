/** Runs one after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Waits for all earlier ones; `signal` gives up waiting, and `run` is then called all the same. */
  async take<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.#last;
    const mine = Promise.withResolvers<void>();
    this.#last = Promise.all([before, mine.promise]);
    const abandoned = Promise.withResolvers<void>();
    const giveUp = () => abandoned.resolve();
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      await Promise.race([before, abandoned.promise]);
      return await run();
    } finally {
      signal.removeEventListener("abort", giveUp);
      mine.resolve();
    }
  }
}

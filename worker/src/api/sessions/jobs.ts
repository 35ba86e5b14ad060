/** Runs jobs one after the other, in the order in which they were given. A job handles its own errors. */
export class Jobs {
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = false;
  #stopped = false;

  /** Jobs that have not begun. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(job: () => Promise<void>): void {
    if (this.#stopped) return;
    this.#waiting.push(job);
    if (!this.#running) void this.#run();
  }

  /** Forgets those that have not begun, and takes no more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) await job();
    this.#running = false;
  }
}

import type { Consumer } from "../adapters/redis/consumer.ts";
import type { DeliveredTask } from "../core/task.ts";
import type { Outcome } from "./outcome.ts";

export type OutcomeQueue = Pick<Consumer, "settle" | "retry" | "bury" | "release">;

export interface OutcomeWriterOptions {
  readonly queue: OutcomeQueue;
  /** `accepted` is `false` when the task was another worker's by then. */
  readonly onWritten: (task: DeliveredTask, accepted: boolean) => void;
  /** Redis did not take a batch; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/**
 * Writes outcomes to the queue in batches: what comes in while one batch is under way goes with the next.
 * An outcome is kept until Redis has taken or refused it, however long that is.
 */
export class OutcomeWriter {
  readonly #options: OutcomeWriterOptions;
  #waiting: Outcome[] = [];
  #working: Promise<void> | null = null;
  #stopped = false;

  constructor(options: OutcomeWriterOptions) {
    this.#options = options;
  }

  add(outcome: Outcome): void {
    this.#waiting.push(outcome);
    this.#working ??= this.#work();
  }

  /** Resolves when nothing waits to be written. */
  async drained(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  /** Gives up what is not written yet: its tasks come back when their lease is over. */
  stop(): void {
    this.#stopped = true;
  }

  async #work(): Promise<void> {
    // One turn of the event loop collects what ends together.
    await new Promise(setImmediate);
    let wait = FIRST_WAIT_MS;
    while (this.#waiting.length > 0 && !this.#stopped) {
      const batch = this.#waiting.splice(0);
      const failed = await this.#write(batch);
      if (failed.length === 0) {
        wait = FIRST_WAIT_MS;
        continue;
      }
      this.#waiting.unshift(...failed);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
    this.#working = null;
  }

  /** Returns the outcomes that Redis did not answer for. */
  async #write(batch: readonly Outcome[]): Promise<Outcome[]> {
    const { queue } = this.#options;
    const of = <T extends Outcome["type"]>(type: T) =>
      batch.filter((outcome): outcome is Extract<Outcome, { type: T }> => outcome.type === type);
    const released = of("release");
    const failed = await Promise.all([
      this.#part(of("settle"), (items) => queue.settle(items)),
      this.#part(of("retry"), (items) => queue.retry(items)),
      this.#part(of("bury"), (items) => queue.bury(items)),
      this.#part(released, (items) => queue.release(items.map(({ task }) => task))),
    ]);
    return failed.flat();
  }

  async #part<T extends Outcome>(
    items: readonly T[],
    write: (items: readonly T[]) => Promise<boolean[]>,
  ): Promise<readonly T[]> {
    if (items.length === 0) return [];
    try {
      const accepted = await write(items);
      for (const [at, { task }] of items.entries()) this.#options.onWritten(task, accepted[at] === true);
      return [];
    } catch (error) {
      this.#options.onFailure(error);
      return items;
    }
  }
}

import type { Consumer } from "../adapters/redis/consumer.ts";
import { fetchCount } from "../core/fetch-count.ts";
import type { DeliveredTask } from "../core/task.ts";
import { Wakeup } from "./wakeup.ts";

export interface ReaderOptions {
  readonly queue: Pick<Consumer, "read">;
  readonly concurrency: number;
  readonly batchSize: number;
  /** How long one read waits for tasks. */
  readonly blockMs: number;
  /** Ends a read that waits at Redis; does nothing when none does. */
  readonly interrupt: () => Promise<void>;
  /** Tasks running and prefetched now, and the mean run time. */
  readonly load: () => { readonly held: number; readonly meanRunMs: number | null };
  readonly onTasks: (tasks: readonly DeliveredTask[]) => void;
  /** A read came back, with or without tasks. */
  readonly onPoll: (count: number) => void;
  readonly onFailure: (error: unknown) => void;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;
const INTERRUPT_EVERY_MS = 50;

/** Takes tasks from the queue, as many as `fetchCount` says, until it is stopped. */
export class Reader {
  readonly #o: ReaderOptions;
  readonly #changed = new Wakeup();
  #stopping = false;
  #working: Promise<void> = Promise.resolve();
  #reading = false;

  constructor(options: ReaderOptions) {
    this.#o = options;
  }

  start(): void {
    this.#working = this.#work();
  }

  /** There may be room for more tasks now. */
  wake(): void {
    this.#changed.notify();
  }

  /** Reads no more; resolves when a read that was under way came back, or after `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true;
    this.#changed.notify();
    const ended = this.#working.then(() => true);
    const deadline = Date.now() + patienceMs;
    while (Date.now() < deadline) {
      // Repeated: the read may reach Redis just after the request to end it.
      if (this.#reading) this.#o.interrupt().catch(this.#o.onFailure);
      const pause = new Promise<false>((resolve) => setTimeout(resolve, INTERRUPT_EVERY_MS, false));
      if (await Promise.race([ended, pause])) return;
    }
  }

  async #work(): Promise<void> {
    const { queue, concurrency, batchSize, blockMs, load, onTasks, onPoll, onFailure } = this.#o;
    let wait = FIRST_WAIT_MS;
    while (!this.#stopping) {
      const count = fetchCount({ concurrency, batchSize, ...load() });
      if (count === 0) {
        await this.#changed.wait();
        continue;
      }
      try {
        this.#reading = true;
        const tasks = await queue.read(count, blockMs);
        wait = FIRST_WAIT_MS;
        onPoll(tasks.length);
        onTasks(tasks);
      } catch (error) {
        onFailure(error);
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      } finally {
        this.#reading = false;
      }
    }
  }
}

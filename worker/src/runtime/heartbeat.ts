import type { WorkerReport } from "../../contract/records.ts";
import type { Heartbeat as Answer, Consumer } from "../adapters/redis/consumer.ts";
import type { DeliveredTask } from "../core/task.ts";

export interface HeartbeatOptions {
  readonly queue: Pick<Consumer, "heartbeat">;
  readonly everyMs: number;
  /** Everything that is held, whether it runs or waits. */
  readonly tasks: () => readonly DeliveredTask[];
  readonly report: () => WorkerReport;
  readonly onAnswer: (answer: Answer) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Renews the lease of all held tasks and reports, in even steps and whenever asked. */
export class Heartbeat {
  readonly #o: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | null = null;

  constructor(options: HeartbeatOptions) {
    this.#o = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.beat(), this.#o.everyMs);
    void this.beat();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One heartbeat; while Redis is silent there is never more than one under way. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  async #beat(): Promise<void> {
    const { queue, tasks, report, onAnswer, onFailure } = this.#o;
    try {
      onAnswer(await queue.heartbeat(tasks(), report()));
    } catch (error) {
      onFailure(error);
    }
  }
}

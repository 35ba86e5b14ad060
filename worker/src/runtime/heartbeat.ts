import type { WorkerReport } from "../../contract/records.ts";
import type { Announcement, Heartbeat as Answer, Consumer } from "../adapters/redis/consumer.ts";
import type { DeliveredTask } from "../core/task.ts";

export interface HeartbeatOptions {
  readonly queue: Pick<Consumer, "heartbeat">;
  readonly everyMs: number;
  /** Everything that is held, whether it runs or waits. */
  readonly tasks: () => readonly DeliveredTask[];
  readonly report: () => WorkerReport;
  /** What the record does not know yet. */
  readonly news: () => Announcement;
  /** A heartbeat with these news was answered. */
  readonly onTold: (news: Announcement) => void;
  readonly onAnswer: (answer: Answer) => void;
  readonly onFailure: (error: unknown) => void;
}

/** How long news wait for others to go with them, where no heartbeat is due before. */
export const ANNOUNCE_MS = 500;

/** Renews the lease of all held tasks and reports, in even steps and whenever asked; also tells what tasks began. */
export class Heartbeat {
  readonly #o: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  #announcing: NodeJS.Timeout | undefined;
  #beating: Promise<void> | null = null;
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#o = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.beat(), this.#o.everyMs);
    void this.beat();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#announcing);
  }

  /** One heartbeat; while Redis is silent there is never more than one under way. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  /** There are news: a heartbeat comes soon, unless by then they are told or of no use. */
  announceSoon(): void {
    if (this.#stopped) return;
    this.#announcing ??= setTimeout(() => void this.#announce(), ANNOUNCE_MS);
  }

  async #announce(): Promise<void> {
    // One that is under way may have set out before the news.
    await this.#beating;
    this.#announcing = undefined;
    const { began, progress } = this.#o.news();
    if (!this.#stopped && began.size + progress.size > 0) await this.beat();
  }

  async #beat(): Promise<void> {
    const { queue, tasks, report, news, onTold, onAnswer, onFailure } = this.#o;
    try {
      const told = news();
      const answer = await queue.heartbeat(tasks(), report(), told);
      onTold(told);
      onAnswer(answer);
    } catch (error) {
      onFailure(error);
    }
  }
}

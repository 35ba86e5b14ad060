import { LOG_EVENTS } from "../../contract/log-events.ts";
import type { Logger } from "../logging/logger.ts";
import { AtMostEvery } from "../runtime/event-limits.ts";

/** Whole lines go out; rejects with how many were lost, or throws. */
export type WriteLines = (text: string, lines: number) => void | Promise<void>;

const DELAY_MS = 100;
const BATCH_BYTES = 64 * 1024;
/** Most that may be on its way: a disk that hangs costs lines, and no memory. */
const MOST_BYTES = 4 * 1024 * 1024;
const LOST_EVERY_MS = 60_000;

/** Collects lines and writes them in batches. What cannot be written is lost, counted and logged once a minute: no task waits. */
export class History {
  readonly #write: WriteLines;
  readonly #log: Pick<Logger, "warn">;
  readonly #limit = new AtMostEvery(LOST_EVERY_MS);
  #lines: string[] = [];
  #bytes = 0;
  #writing = 0;
  #timer: NodeJS.Timeout | undefined;
  #open: Promise<unknown> = Promise.resolve();
  #unlogged = 0;
  lost = 0;

  constructor(write: WriteLines, log: Pick<Logger, "warn">) {
    this.#write = write;
    this.#log = log;
  }

  add(line: object): void {
    const text = `${JSON.stringify(line)}\n`;
    if (this.#writing + this.#bytes + text.length > MOST_BYTES) {
      this.lose(1, "too many wait");
      return;
    }
    this.#lines.push(text);
    this.#bytes += text.length;
    if (this.#bytes >= BATCH_BYTES) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), DELAY_MS).unref();
  }

  /** These lines are lost. */
  lose(lines: number, why: string): void {
    this.lost += lines;
    this.#unlogged += lines;
    if (this.#limit.pass(performance.now()) === null) return;
    this.#log.warn({ lines: this.#unlogged, why }, LOG_EVENTS.historyLost);
    this.#unlogged = 0;
  }

  /** Resolves when everything was handed over. */
  async flush(): Promise<void> {
    this.#send();
    await this.#open;
    if (this.#unlogged > 0) this.#log.warn({ lines: this.#unlogged }, LOG_EVENTS.historyLost);
    this.#unlogged = 0;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines.length;
    const bytes = this.#bytes;
    if (lines === 0) return;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#bytes = 0;
    this.#writing += bytes;
    const written = this.#try(text, lines).finally(() => {
      this.#writing -= bytes;
    });
    this.#open = Promise.all([this.#open, written]);
  }

  async #try(text: string, lines: number): Promise<void> {
    try {
      await this.#write(text, lines);
    } catch (error) {
      this.lose(lines, error instanceof Error ? error.message : String(error));
    }
  }
}

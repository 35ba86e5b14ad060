/** Where progress goes: a terminal is updated in place, anything else gets a line now and then. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Without a terminal, a step that goes on says so this often. */
const LINE_EVERY_MS = 15_000;

/** One step's progress line on stderr: what it does and for how long already. */
export class StepProgress {
  readonly #name: string;
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  readonly #started: number;
  #lastLine: number;

  constructor(name: string, output: ProgressOutput, now: () => number) {
    this.#name = name;
    this.#output = output;
    this.#now = now;
    this.#started = now();
    this.#lastLine = this.#started;
  }

  /** Announces the step. */
  begin(): void {
    if (!this.#output.isTTY) this.#output.write(`taskfleet: ${this.#name} ...\n`);
    else this.update("...");
  }

  /** Says how far the step is; without a terminal at most every 15 s. */
  update(detail: string): void {
    if (this.#output.isTTY) {
      this.#output.write(`\r\x1b[K${this.#line(detail)}`);
    } else if (this.#now() - this.#lastLine >= LINE_EVERY_MS) {
      this.#lastLine = this.#now();
      this.#output.write(`${this.#line(detail)}\n`);
    }
  }

  /** Ends the line with the step's outcome. */
  end(outcome: string): void {
    const start = this.#output.isTTY ? "\r\x1b[K" : "";
    this.#output.write(`${start}${this.#line(outcome)}\n`);
  }

  #line(detail: string): string {
    const seconds = Math.round((this.#now() - this.#started) / 1000);
    return `taskfleet: ${this.#name}: ${detail} (${seconds} s)`;
  }
}

/** The demo's live picture on stderr: redrawn in place on a terminal, a line now and then elsewhere. */
import type { Status } from "./queue-command.ts";

const WIDTH = 40;
/** Without a terminal, at most one line in so many frames. */
const QUIET_FRAMES = 3;

/** A bar of `share` (0 to 1), `width` characters. */
export function bar(share: number, width = WIDTH): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}

/** Three lines: tasks done, what waits, and a square for each worker (full: it holds tasks). */
export function frame(status: Status, pushed: number): string[] {
  const { waiting, running, delayed, deadLetters } = status.queue;
  const open = Math.min(pushed, waiting + running + delayed);
  const busy = status.workers.filter(({ holding }) => holding > 0).length;
  const idle = status.workers.length - busy;
  return [
    `  tasks    ${bar(pushed === 0 ? 0 : (pushed - open) / pushed)} ${pushed - open} of ${pushed}`,
    `  queue    ${waiting} waiting, ${running} running, ${delayed} due later, ${deadLetters} dead-lettered`,
    `  workers  ${"■".repeat(busy)}${"□".repeat(idle)} ${busy} busy, ${idle} free`,
  ];
}

export class LiveView {
  readonly #output: NodeJS.WriteStream;
  #drawn = 0;
  #frames = 0;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** A line that stays, above the picture. */
  say(line: string): void {
    this.#erase();
    this.#output.write(`${line}\n`);
  }

  draw(lines: readonly string[]): void {
    if (!this.#output.isTTY) {
      if (this.#frames++ % QUIET_FRAMES === 0)
        this.#output.write(`${lines.map((line) => line.trim()).join(" | ")}\n`);
      return;
    }
    this.#erase();
    this.#output.write(lines.map((line) => `${line}\n`).join(""));
    this.#drawn = lines.length;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#output.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }
}

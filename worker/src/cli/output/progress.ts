/** How far a command is, for people; nothing where nobody looks. */
export interface ProgressBar {
  start(total: number): void;
  set(done: number): void;
  /**
   * Lets `write` print results while the bar stands. It returns whether the output ends at a line's start:
   * on a terminal that shows both, the bar only comes back there, or it would overwrite what was printed.
   */
  aside(write: () => boolean): void;
  /** Takes the bar away. */
  stop(): void;
}

const NOTHING: ProgressBar = {
  start() {},
  set() {},
  aside: (write) => {
    write();
  },
  stop() {},
};

/** A bar on standard error when that is a terminal. `wanted`: false keeps it away, for `--json`. */
export async function progressBar(unit: string, wanted = true): Promise<ProgressBar> {
  if (!wanted || process.stderr.isTTY !== true) return NOTHING;
  const { default: progress } = await import("cli-progress");
  const bar = new progress.SingleBar({
    format: `{bar} {value}/{total} ${unit}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  const shared = process.stdout.isTTY === true;
  let total = 0;
  let done = 0;
  let shown = false;
  const show = (wanted: boolean) => {
    if (wanted === shown) return;
    shown = wanted;
    if (wanted) bar.start(total, done);
    else bar.stop();
  };
  return {
    start(amount) {
      total = amount;
      show(true);
    },
    set(amount) {
      done = amount;
      if (shown) bar.update(done);
    },
    aside(write) {
      if (shared) show(false);
      const atLineStart = write();
      if (shared) show(atLineStart);
    },
    stop: () => show(false),
  };
}

import { canAsk, question } from "../input/question.ts";
import type { ProgressBar } from "../output/progress.ts";

/**
 * Aborts on Ctrl-C: on a terminal after one question, which a second Ctrl-C answers too; elsewhere, on SIGTERM,
 * and when nobody reads the output any more, at once. Call the result's `stop` when the work is done.
 */
export function onInterrupt(
  progress: ProgressBar,
  left: () => number,
): { signal: AbortSignal; stop: () => void } {
  const ending = new AbortController();
  const abort = () => ending.abort();
  let asking = false;
  const interrupted = () => {
    if (!canAsk() || asking) return abort();
    asking = true;
    progress.stop();
    question(`\nCancel the tasks of ${left()} files that are left? [Y/n] `, ending.signal).then((answer) => {
      asking = false;
      if (!/^\s*no?\s*$/i.test(answer)) abort();
    }, abort);
  };
  process.on("SIGINT", interrupted);
  for (const signal of ["SIGTERM", "SIGPIPE"] as const) process.on(signal, abort);
  const stop = () => {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", abort);
    // Not SIGPIPE: what is still to be written would end the process before it has cancelled its tasks.
  };
  return { signal: ending.signal, stop };
}

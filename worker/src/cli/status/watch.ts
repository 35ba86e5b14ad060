import { setTimeout as delay } from "node:timers/promises";
import { RedisUnavailableError } from "../../core/errors.ts";

const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/**
 * Draws what `read` gives once a second until Ctrl-C. On a terminal it redraws in place; elsewhere it appends.
 * A Redis that is away is shown, and watched for.
 */
export async function watch(read: () => Promise<string>): Promise<void> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  const isTerminal = process.stdout.isTTY === true;
  if (isTerminal) process.stdout.write(`${HOME}${CLEAR_BELOW}`);
  while (!ending.signal.aborted) {
    const text = await read().catch((error: unknown) => {
      if (error instanceof RedisUnavailableError) return `${error.message}\n`;
      throw error;
    });
    process.stdout.write(isTerminal ? inPlace(text) : text);
    await delay(1000, undefined, { signal: ending.signal }).catch(() => {});
  }
}

/** Every line overwrites an old one; nothing flickers, because nothing is cleared before it is drawn. */
function inPlace(text: string): string {
  return `${HOME}${text.replaceAll("\n", `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`;
}

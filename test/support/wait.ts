import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits until `condition` returns something other than `undefined`, `null` or `false`, and returns it.
 * Fails with `what` when it has not by `timeoutMs` (default 60,000), which only bounds a broken run: as long as whole
 * processes may take on a busy machine.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs = 10 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await delay(everyMs);
  }
}

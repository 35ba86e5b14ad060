import { setTimeout as delay } from "node:timers/promises";
import type { FailureLog } from "./failure-log.ts";

/** Something that the leader does again and again, independently of the rest. */
export interface Loop {
  readonly name: string;
  /** One round. Returns how long to wait for the next one, in ms. `signal`: the leader's term. */
  step(signal: AbortSignal): Promise<number>;
}

const PAUSE_AFTER_FAILURE_MS = 500;

/** Runs a loop until the signal; a round that fails is logged and tried again. Never rejects. */
export async function repeat(loop: Loop, signal: AbortSignal, failures: FailureLog): Promise<void> {
  while (!signal.aborted) {
    let pauseMs = PAUSE_AFTER_FAILURE_MS;
    try {
      pauseMs = await loop.step(signal);
      failures.succeeded(loop.name);
    } catch (error) {
      failures.failed(loop.name, error);
    }
    await pause(pauseMs, signal);
  }
}

/** Waits, or returns early at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {
    // the signal ended it
  });
}

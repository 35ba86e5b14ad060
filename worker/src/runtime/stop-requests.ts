import { LOG_EVENTS } from "../../contract/log-events.ts";
import type { Logger } from "../logging/logger.ts";
import type { StopReason } from "./worker-runtime.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Requests to stop that come from outside: signals, and the supervisor's end. Those that come while the worker
 * still starts are kept until somebody heeds them.
 */
export class StopRequests {
  readonly #logger: Logger;
  readonly #early: StopReason[] = [];
  #heed: ((reason: StopReason) => void) | null = null;
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#logger.info({ signal }, LOG_EVENTS.signal);
    this.#pass("signal");
  };
  readonly #onDisconnect = (): void => this.#pass("orphan");

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** From now on a signal no longer ends the process by itself. */
  listen(): void {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    process.on("disconnect", this.#onDisconnect);
    // The supervisor may have died before; without one, `connected` is undefined.
    if (process.connected === false) this.#onDisconnect();
  }

  /** Calls `heed` for every request, those of before at once. */
  heed(heed: (reason: StopReason) => void): void {
    this.#heed = heed;
    for (const reason of this.#early.splice(0)) heed(reason);
  }

  stop(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    process.off("disconnect", this.#onDisconnect);
  }

  #pass(reason: StopReason): void {
    if (this.#heed === null) this.#early.push(reason);
    else this.#heed(reason);
  }
}

import { setTimeout as delay } from "node:timers/promises";
import type { KindLimiter } from "../adapters/redis/kind-limits.ts";
import type { DeliveredTask } from "../core/task.ts";

export interface KindGateOptions {
  readonly queue: Pick<KindLimiter, "limits" | "admit" | "ended">;
  readonly onFailure: (error: unknown) => void;
}

/** `start`: run it; `gone`: it is no longer held here; `unknown`: the queue could not say, so hand it back. */
export type Passage = "start" | "gone" | "unknown";

/** Before a task goes back that the queue could not judge, so that it does not go round and round. */
const UNKNOWN_WAIT_MS = 500;

/** Lets tasks of limited kinds start when their kind's limits allow it, and gives slots on when they have ended. */
export class KindGate {
  readonly #o: KindGateOptions;
  readonly #giving = new Set<Promise<unknown>>();

  constructor(options: KindGateOptions) {
    this.#o = options;
  }

  limits(task: DeliveredTask): boolean {
    return this.#o.queue.limits(task.kind);
  }

  /** For a task of a limited kind. Never rejects. */
  async pass(task: DeliveredTask): Promise<Passage> {
    try {
      return (await this.#o.queue.admit(task)) === "admitted" ? "start" : "gone";
    } catch (error) {
      this.#o.onFailure(error);
      await delay(UNKNOWN_WAIT_MS);
      return "unknown";
    }
  }

  /** This worker has no part in the task any more. A slot that cannot be given on is found by the spawner's sweep. */
  ended(task: DeliveredTask): void {
    if (!this.limits(task)) return;
    const giving = this.#o.queue.ended(task).catch(this.#o.onFailure);
    this.#giving.add(giving);
    void giving.finally(() => this.#giving.delete(giving));
  }

  /** Resolves when no slot is being given on. */
  async drained(): Promise<void> {
    await Promise.all(this.#giving);
  }
}

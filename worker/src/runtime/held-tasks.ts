import type { DeliveredTask, EntryPlace } from "../core/task.ts";
import type { Attempt } from "./attempt.ts";

/**
 * `prefetched`: waits here for a slot; `running`: has one; `ending`: its outcome is being written. All three
 * are this worker's in Redis, and are heartbeaten.
 */
export type Stage = "prefetched" | "running" | "ending";

export interface Held {
  readonly task: DeliveredTask;
  stage: Stage;
  attempt: Attempt | null;
  /** When its handler was called, in ms since the epoch. */
  startedAt: number | null;
}

/** The tasks that this worker holds, in the order of their arrival. */
export class HeldTasks {
  readonly #held = new Map<DeliveredTask, Held>();
  readonly #prefetched = new Set<Held>();
  #running = 0;

  get size(): number {
    return this.#held.size;
  }
  get running(): number {
    return this.#running;
  }
  get prefetched(): number {
    return this.#prefetched.size;
  }

  add(task: DeliveredTask): void {
    const held: Held = { task, stage: "prefetched", attempt: null, startedAt: null };
    this.#held.set(task, held);
    this.#prefetched.add(held);
  }

  /** The next task that waits for a slot, now `running`. */
  next(): Held | undefined {
    for (const held of this.#prefetched) {
      this.#move(held, "running");
      return held;
    }
    return undefined;
  }

  /** Its outcome is known and goes to the queue. */
  end(held: Held): void {
    this.#move(held, "ending");
    held.attempt = null;
  }

  /** `task`: the very object that was added. */
  remove(task: DeliveredTask): void {
    const held = this.#held.get(task);
    if (held === undefined) return;
    this.#move(held, "ending");
    this.#held.delete(task);
  }

  find({ stream, priority, entryId }: EntryPlace): Held | undefined {
    return this.all().find(
      ({ task }) => task.entryId === entryId && task.stream === stream && task.priority === priority,
    );
  }

  all(): Held[] {
    return [...this.#held.values()];
  }

  in(stage: Stage): Held[] {
    return this.all().filter((held) => held.stage === stage);
  }

  #move(held: Held, stage: Stage): void {
    if (held.stage === stage) return;
    if (held.stage === "running") this.#running--;
    if (stage === "running") this.#running++;
    if (held.stage === "prefetched") this.#prefetched.delete(held);
    held.stage = stage;
  }
}

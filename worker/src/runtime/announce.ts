import type { TaskProgress } from "../../contract/records.ts";
import type { Announcement } from "../adapters/redis/consumer.ts";
import type { DeliveredTask } from "../core/task.ts";
import type { Held } from "./held-tasks.ts";

type Known = Pick<Held, "task" | "stage" | "startedAt"> & {
  readonly attempt: { readonly progress: TaskProgress | null } | null;
};

/**
 * Knows what was told of the running tasks, and so what is new. A task whose heartbeat was not answered is
 * announced again, which is harmless.
 */
export class Announcements {
  readonly #began = new WeakSet<DeliveredTask>();
  readonly #progress = new WeakMap<DeliveredTask, TaskProgress>();

  /** `isHeard`: whether anybody wants to know of this queue's tasks. */
  news(held: readonly Known[], isHeard: (stream: string) => boolean): Announcement {
    const began = new Map<DeliveredTask, number>();
    const progress = new Map<DeliveredTask, TaskProgress>();
    for (const { task, stage, startedAt, attempt } of held) {
      if (stage !== "running" || startedAt === null || !isHeard(task.stream)) continue;
      if (!this.#began.has(task)) began.set(task, startedAt);
      const last = attempt?.progress ?? null;
      if (last !== null && this.#progress.get(task) !== last) progress.set(task, last);
    }
    return { began, progress };
  }

  /** The call that carried this was answered. */
  told({ began, progress }: Announcement): void {
    for (const task of began.keys()) this.#began.add(task);
    for (const [task, last] of progress) this.#progress.set(task, last);
  }
}

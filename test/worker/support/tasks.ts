import type { DeliveredTask } from "../../../worker/src/core/task.ts";

/** A task as a worker holds it, with these differences. */
export function deliveredTask(differences: Partial<DeliveredTask> = {}): DeliveredTask {
  return {
    stream: "s",
    priority: "normal",
    entryId: "1-0",
    deliveryCount: 1,
    id: "t-1",
    kind: "k",
    payloadText: "{}",
    options: {},
    enqueuedAt: 1_000,
    attempts: 0,
    deliveries: 0,
    errors: [],
    ...differences,
  };
}

import type { TaskProgress, WorkerReport } from "../../contract/records.ts";
import type { HeldTasks } from "./held-tasks.ts";

/** What a worker knows of itself from its start. */
export type ReportedSelf = Pick<
  WorkerReport,
  "worker_id" | "pid" | "host" | "image_tag" | "revision" | "started_at" | "address" | "controls" | "sandbox"
>;

/** What the worker says of itself with a heartbeat. */
export function workerReport(
  self: ReportedSelf,
  held: HeldTasks,
  slots: number,
  draining: boolean,
): WorkerReport {
  const running: Record<string, number> = {};
  const progress: Record<string, TaskProgress> = {};
  for (const { task, attempt } of held.all()) {
    running[task.kind] = (running[task.kind] ?? 0) + 1;
    const last = attempt?.progress ?? null;
    if (last !== null) progress[task.id] = last;
  }
  const state = draining ? "draining" : held.size > 0 ? "busy" : "idle";
  return { ...self, state, slots, running, ...(Object.keys(progress).length > 0 ? { progress } : {}) };
}

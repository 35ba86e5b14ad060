import fc from "fast-check";
import type { RunChange, RunEvent, RunFacts } from "../../worker/contract/run-events.ts";
import type { Run } from "../../worker/contract/runs.ts";

/** What a queue holds of a task, as the record is to show it. */
export type Held = Pick<
  Run,
  "status" | "attempts" | "deliveries" | "started_at" | "finished_at" | "due_at" | "worker_id"
>;

/** Events as a queue tells them, and what it holds at their end. */
export interface History {
  readonly events: readonly RunEvent[];
  /** `starts`: how often a worker told that it began. */
  readonly tasks: ReadonlyMap<string, { readonly run: Held; readonly starts: number }>;
}

interface Task {
  run: Held;
  starts: number;
  readonly facts: RunFacts;
}

const ids = fc.constantFrom("a", "b", "c");
const does = fc.constantFrom(
  ...([
    "push",
    "push later",
    "begin",
    "begin",
    "progress",
    "settle",
    "fail",
    "retry",
    "retry later",
  ] as const),
  ...(["bury", "back", "back later", "reclaim", "poison", "cancel", "requeue"] as const),
);
const workers = fc.constantFrom("w1", "w2");
const commands = fc.array(fc.record({ id: ids, does, worker: workers }), { minLength: 1, maxLength: 40 });
type Command = typeof commands extends fc.Arbitrary<(infer C)[]> ? C : never;

/** Of a task that waits for its first run. */
const FRESH: Held = {
  ...{ status: "queued", attempts: 0, deliveries: 0 },
  ...{ started_at: null, finished_at: null, due_at: null, worker_id: null },
};
const LATER_MS = 5_000;

/** Any life of some tasks that a queue allows; what it would refuse is left out. */
export const histories: fc.Arbitrary<History> = commands.map((given) => {
  const tasks = new Map<string, Task>();
  const events = given.flatMap((command, i) => {
    const at = 1_000 * (i + 1);
    const change = step(tasks, command, at);
    return change === undefined ? [] : [{ type: typeOf(change), at, changes: [change] }];
  });
  return { events, tasks };
});

function typeOf({ type }: RunChange): RunEvent["type"] {
  return type === "progressed" ? "began" : type;
}

/** One change of one task; the model's half of `fold`, from the queue's side. */
function step(tasks: Map<string, Task>, command: Command, at: number): RunChange | undefined {
  const { id, does: what, worker: workerId } = command;
  const task = tasks.get(id);
  if (what === "push" || what === "push later") return push(tasks, id, at, what === "push later");
  if (task === undefined) return undefined;
  const { facts, run } = task;
  const { attempts, deliveries } = run;
  const isOpen = run.status === "queued" || run.status === "running";
  const end = { due_at: null, finished_at: at } as const;
  if (what === "requeue") {
    if (run.status !== "dead") return undefined;
    // The worker of its last run stays known.
    task.run = { ...FRESH, worker_id: run.worker_id };
    return { ...facts, type: "requeued" };
  }
  if (!isOpen) return undefined;
  if (what === "cancel") {
    task.run = { ...run, status: "cancelled", finished_at: at };
    return { ...facts, type: "cancelled", attempts, deliveries, finishedAt: at, message: "cancelled" };
  }
  if (what === "begin") {
    if (run.status === "running") return undefined;
    task.run = { ...run, status: "running", started_at: at, due_at: null, worker_id: workerId };
    task.starts += 1;
    return { ...facts, type: "began", attempts, deliveries, startedAt: at, workerId };
  }
  if (run.status !== "running") return undefined;
  const startedAt = run.started_at ?? 0;
  // Whoever holds it tells of it.
  const holder = run.worker_id ?? "";
  switch (what) {
    case "progress":
      return { type: "progressed", id, done: 0.5, note: "half", workerId: holder };
    case "settle":
    case "fail": {
      const status = what === "settle" ? "success" : "error";
      task.run = { ...run, ...end, status, attempts: attempts + 1 };
      const told = {
        attempts: attempts + 1,
        startedAt,
        workerId: holder,
        handlerVersion: "1",
        imageTag: "t",
      };
      return { ...facts, type: "settled", status, finishedAt: at, told };
    }
    case "retry":
    case "retry later": {
      const due_at = what === "retry later" ? at + LATER_MS : null;
      task.run = {
        ...run,
        status: "queued",
        attempts: attempts + 1,
        deliveries: 0,
        started_at: null,
        due_at,
      };
      const why = { reason: "handler", message: "it broke", workerId: holder };
      const when = { startedAt, failedAt: at, ...(due_at !== null && { dueAt: due_at }) };
      return { ...facts, type: "retried", attempts: attempts + 1, deliveries: 0, ...when, ...why };
    }
    case "bury": {
      task.run = { ...run, status: "dead", attempts: attempts + 1, finished_at: at };
      const why = { reason: "handler", message: "Moved to DLQ: it broke", workerId: holder };
      return {
        ...facts,
        type: "buried",
        attempts: attempts + 1,
        deliveries,
        finishedAt: at,
        startedAt,
        ...why,
      };
    }
    case "poison": {
      task.run = { ...run, status: "dead", deliveries: deliveries + 1, finished_at: at };
      const why = { reason: "poison", message: "Moved to DLQ: silent" };
      return { ...facts, type: "buried", attempts, deliveries: deliveries + 1, finishedAt: at, ...why };
    }
    case "back":
    case "back later": {
      const due_at = what === "back later" ? at + LATER_MS : null;
      task.run = { ...run, status: "queued", started_at: null, due_at };
      return { ...facts, type: "back", attempts, deliveries, ...(due_at !== null && { dueAt: due_at }) };
    }
    case "reclaim":
      task.run = { ...run, status: "queued", deliveries: deliveries + 1, started_at: null, due_at: null };
      return { ...facts, type: "reclaimed", attempts, deliveries: deliveries + 1 };
  }
}

/** An id is free again when its result is gone; one that is open or dead is known. */
function push(tasks: Map<string, Task>, id: string, at: number, isLater: boolean): RunChange | undefined {
  const known = tasks.get(id)?.run.status;
  if (known === "queued" || known === "running" || known === "dead") return undefined;
  const facts: RunFacts = { id, kind: "k", agentId: `agent-${id}`, priority: "normal", enqueuedAt: at };
  const due_at = isLater ? at + LATER_MS : null;
  tasks.set(id, { run: { ...FRESH, due_at }, starts: tasks.get(id)?.starts ?? 0, facts });
  return { ...facts, type: "queued", ...(due_at !== null && { dueAt: due_at }) };
}

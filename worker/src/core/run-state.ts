import type { RunChange, RunFacts, Settled } from "../../contract/run-events.ts";
import type { Run, RunLogLine } from "../../contract/runs.ts";

/** A run as a change leaves it, and what its log says of that; no line where nothing worth one happened. */
export interface Folded {
  readonly run: Run;
  readonly line?: RunLogLine;
}

const SILENT = "its worker fell silent";

/**
 * The run after a change of its task; `undefined`: the change says nothing new. It knows every status that a run
 * may go through. `at`: when the queue changed, in ms of the server's clock.
 */
export function fold(queue: string, run: Run | undefined, change: RunChange, at: number): Folded | undefined {
  if (change.type === "progressed") return run === undefined ? undefined : progressed(run, change, at);
  const known = run ?? blank(queue, change);
  // The end that a worker of before the record tells does not carry these.
  const untold = run !== undefined && change.type === "settled" && change.told === undefined;
  const facts = untold ? run : { priority: change.priority, agent_id: change.agentId };
  const trace_id = change.traceId ?? known.trace_id;
  const base: Run = { ...known, ...facts, trace_id, updated_at: at, kind: change.kind };
  switch (change.type) {
    case "queued":
      return logged({ ...blank(queue, change), updated_at: at, due_at: change.dueAt ?? null }, at, {});
    case "requeued": {
      const cleared = { attempts: 0, deliveries: 0, started_at: null, finished_at: null, due_at: null };
      return logged({ ...base, ...cleared, status: "queued" }, at, { message: "requeued" });
    }
    case "began":
      return began(base, run, change);
    case "settled":
      return settled(base, run, change);
    case "retried": {
      const { attempts, deliveries, reason, message, workerId: worker_id } = change;
      const waiting = { attempts, deliveries, due_at: change.dueAt ?? null, started_at: null };
      const next: Run = { ...base, ...waiting, status: "queued", reason, message, worker_id };
      return logged(next, change.failedAt, { attempt: attempts, message, worker_id });
    }
    case "buried": {
      const { attempts, deliveries, reason, message, finishedAt } = change;
      const worker_id = change.workerId ?? base.worker_id;
      const ended = { finished_at: finishedAt, started_at: change.startedAt ?? base.started_at, worker_id };
      const next: Run = { ...base, ...ended, attempts, deliveries, status: "dead", reason, message };
      return logged(next, finishedAt, { attempt: attempts, message, worker_id });
    }
    case "cancelled": {
      const { attempts, deliveries, finishedAt: finished_at, message } = change;
      const next: Run = { ...base, attempts, deliveries, finished_at, message, status: "cancelled" };
      return logged({ ...next, reason: "cancelled" }, finished_at, { message });
    }
    case "back":
    case "reclaimed": {
      // Of a queue that was restored: the run keeps its end until the new one comes.
      if (run !== undefined && run.finished_at !== null) return undefined;
      const { attempts, deliveries } = change;
      const due_at = change.type === "back" ? (change.dueAt ?? null) : null;
      const next: Run = { ...base, attempts, deliveries, due_at, started_at: null, status: "queued" };
      const message = change.type === "back" ? "handed back" : SILENT;
      return logged(next, at, { message, worker_id: known.worker_id });
    }
  }
}

/** A run of which nothing is known but what every change tells. */
function blank(queue: string, facts: RunFacts): Run {
  return {
    ...{ queue, id: facts.id, kind: facts.kind, status: "queued" },
    ...{ agent_id: facts.agentId, priority: facts.priority, attempts: 0, deliveries: 0 },
    ...{ created_at: facts.enqueuedAt, updated_at: facts.enqueuedAt },
    ...{ due_at: null, started_at: null, finished_at: null, progress: null },
    ...{
      worker_id: null,
      handler_version: null,
      image_tag: null,
      reason: null,
      message: null,
      trace_id: facts.traceId ?? null,
    },
  };
}

function logged(run: Run, at: number, line: Partial<RunLogLine>): Folded {
  const empty = { attempt: null, worker_id: null, message: null, progress: null };
  return { run, line: { ...empty, ...line, at, status: run.status } };
}

/** A start goes never back over an end, or over a later attempt. */
function began(
  base: Run,
  run: Run | undefined,
  change: Extract<RunChange, { type: "began" }>,
): Folded | undefined {
  const { attempts, deliveries, startedAt: started_at, workerId: worker_id } = change;
  if (run !== undefined) {
    if (run.status !== "queued" && run.status !== "running") return undefined;
    if (attempts < run.attempts || (attempts === run.attempts && deliveries < run.deliveries))
      return undefined;
    if (run.status === "running" && run.started_at === started_at && run.worker_id === worker_id)
      return undefined;
  }
  const next = { attempts, deliveries, started_at, worker_id, due_at: null, progress: null };
  return logged({ ...base, ...next, status: "running" }, started_at, { attempt: attempts + 1, worker_id });
}

function settled(base: Run, run: Run | undefined, change: Settled): Folded | undefined {
  const { status, finishedAt: finished_at, told } = change;
  if (run?.finished_at === finished_at && run.status === status) return undefined;
  const reason = change.reason ?? null;
  const message = change.message ?? null;
  const facts = {
    attempts: told?.attempts ?? base.attempts + 1,
    started_at: told?.startedAt ?? base.started_at,
    worker_id: told?.workerId ?? base.worker_id,
    handler_version: told?.handlerVersion ?? base.handler_version,
    image_tag: told?.imageTag ?? base.image_tag,
  };
  const next: Run = { ...base, ...facts, status, finished_at, due_at: null, reason, message };
  return logged(next, finished_at, { attempt: next.attempts, worker_id: next.worker_id, message });
}

/** A task may tell its progress often: the log has a line per tenth of it. */
function progressed(run: Run, change: Extract<RunChange, { type: "progressed" }>, at: number): Folded {
  const next: Run = { ...run, progress: change.done, updated_at: at };
  const tenth = (done: number) => Math.floor(done * 10 + 1e-9);
  if (run.progress !== null && tenth(change.done) <= tenth(run.progress)) return { run: next };
  const message = change.note === "" ? null : change.note;
  const line = { message, progress: change.done, worker_id: change.workerId, attempt: run.attempts + 1 };
  return logged(next, at, line);
}

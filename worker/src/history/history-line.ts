import type { HistoryLine } from "../../contract/history.ts";
import { parseTraceParent } from "../../contract/traceparent.ts";
import type { Outcome, OutcomePolicy } from "../runtime/outcome.ts";

/** A line for an attempt's end; `undefined` for a task that goes back unrun. Pure: the outcome holds no secret any more. */
export function historyLine(
  outcome: Outcome,
  { workerId, imageTag }: Pick<OutcomePolicy, "workerId" | "imageTag">,
  nowMs: number,
  spanTraceId?: string,
): HistoryLine | undefined {
  if (outcome.type === "release") return undefined;
  const { task, runtimeMs } = outcome;
  const error = outcome.type === "settle" ? outcome.result.error : outcome.error;
  const traceId = spanTraceId ?? parseTraceParent(task.options.traceparent)?.traceId;
  return {
    timestamp: new Date(nowMs).toISOString(),
    queue: task.stream,
    task_id: task.id,
    kind: task.kind,
    attempt: task.attempts + 1,
    outcome: outcome.type === "settle" ? outcome.result.status : outcome.type === "bury" ? "dead" : "retry",
    duration_ms: Math.round(runtimeMs),
    worker_id: workerId,
    image_tag: imageTag,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(error === undefined ? {} : { error: { reason: error.reason, message: error.message } }),
  };
}

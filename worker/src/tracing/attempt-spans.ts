import {
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import { parseTraceParent } from "../../contract/traceparent.ts";
import type { DeliveredTask } from "../core/task.ts";
import { exceptionText } from "../logging/logger.ts";
import { failureOf, type Outcome } from "../runtime/outcome.ts";
import { operation, TASK, taskAttributes } from "./attributes.ts";
import { contextWith, parentOf } from "./propagation.ts";
import { attemptSpanId, type PlannedIds, taskTraceId } from "./span-ids.ts";
import type { AttemptTraces, SpanIds } from "./tracing.ts";

/** One held task's spans. */
interface Traced {
  readonly span: Span;
  readonly context: Context;
  settling: Span | null;
}

/** The labels that the queue's counters have. */
function statusOf(outcome: Outcome): string {
  if (outcome.type === "settle") return outcome.result.status;
  if (outcome.type === "bury") return "dead";
  return outcome.type === "retry" ? "retry" : "released";
}

/** `process <stream>` for each attempt, and below it what is written of its end: `settle`, `retry`, `bury`, `release`. */
export class AttemptSpans implements AttemptTraces {
  readonly #tracer: Tracer;
  readonly #ids: PlannedIds;
  readonly #held = new WeakMap<DeliveredTask, Traced>();

  constructor(tracer: Tracer, ids: PlannedIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  began(task: DeliveredTask): void {
    this.#begin(task);
  }

  run<T>(task: DeliveredTask, call: () => T): T {
    const traced = this.#held.get(task);
    return traced === undefined ? call() : context.with(traced.context, call);
  }

  traceparent(task: DeliveredTask): string | undefined {
    const traced = this.#held.get(task);
    return traced && parentOf(traced.span.spanContext()).traceparent;
  }

  ids(task: DeliveredTask): SpanIds {
    const traced = this.#held.get(task);
    if (traced === undefined) return {};
    const { traceId, spanId } = traced.span.spanContext();
    return { trace_id: traceId, span_id: spanId };
  }

  ended(outcome: Outcome, thrown?: unknown): void {
    const { task } = outcome;
    // What was taken and goes back unrun was no attempt.
    if (outcome.type === "release" && !this.#held.has(task)) return;
    const traced = this.#held.get(task) ?? this.#begin(task);
    const { span } = traced;
    span.setAttribute(TASK.outcome, statusOf(outcome));
    const failure = failureOf(outcome);
    if (failure !== undefined) {
      if (thrown instanceof Error)
        span.recordException({ name: thrown.name, message: thrown.message, stack: exceptionText(thrown) });
      span.setAttribute(ATTR_ERROR_TYPE, failure.reason);
      span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    }
    if (outcome.type === "retry") span.setAttribute(TASK.delayMs, Math.round(outcome.delayMs));
    const { type } = outcome;
    traced.settling = this.#tracer.startSpan(
      `${type} ${task.stream}`,
      {
        kind: SpanKind.CLIENT,
        attributes: { ...operation("settle", type, task.stream), ...taskAttributes(task) },
      },
      traced.context,
    );
    span.end();
  }

  written(task: DeliveredTask, accepted: boolean): void {
    const settling = this.#held.get(task)?.settling;
    if (settling === null || settling === undefined) return;
    if (!accepted) {
      settling.setAttribute(ATTR_ERROR_TYPE, "late");
      settling.setStatus({ code: SpanStatusCode.ERROR, message: "the task had been taken back" });
    }
    settling.end();
  }

  #begin(task: DeliveredTask): Traced {
    const parent = contextWith(task.options, ROOT_CONTEXT);
    this.#ids.plan(attemptSpanId(task, task.entryId), taskTraceId(task));
    const attributes = { ...operation("process", "process", task.stream), ...taskAttributes(task) };
    const span = this.#tracer.startSpan(
      `process ${task.stream}`,
      { kind: SpanKind.CONSUMER, attributes, links: linksOf(task) },
      parent,
    );
    const traced = { span, context: trace.setSpan(parent, span), settling: null };
    this.#held.set(task, traced);
    return traced;
  }
}

/** To the attempt before: its id follows from the task, even if its worker died before it could send it. */
function linksOf(task: DeliveredTask): Link[] {
  const parsed = parseTraceParent(task.options.traceparent);
  if (parsed === undefined || task.prior === undefined) return [];
  const { entryId, why } = task.prior;
  const spanId = attemptSpanId(task, entryId);
  return [
    {
      context: { traceId: parsed.traceId, spanId, traceFlags: parsed.flags & 1, isRemote: true },
      attributes: { [TASK.link]: why },
    },
  ];
}

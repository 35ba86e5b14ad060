import {
  type Context,
  context,
  isSpanContextValid,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from "@opentelemetry/api";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import {
  ATTR_MESSAGING_BATCH_MESSAGE_COUNT,
  ATTR_MESSAGING_MESSAGE_ID,
} from "@opentelemetry/semantic-conventions/incubating";
import type { Enqueued } from "../adapters/redis/producer.ts";
import type { NewTask } from "../core/task.ts";
import { operation, TASK } from "./attributes.ts";
import { contextWith, parentOf } from "./propagation.ts";
import type { PushParent, SendTraces } from "./tracing.ts";

/**
 * `send <stream>` for each push; its tasks' attempts are below it. Tasks that name a trace of their own have a span in
 * that trace.
 */
export class SendSpans implements SendTraces {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  async send(
    stream: string,
    tasks: readonly NewTask[],
    push: (tasks: readonly NewTask[]) => Promise<Enqueued[]>,
    parent: PushParent = {},
  ): Promise<Enqueued[]> {
    const around = contextWith(parent, context.active());
    const spans = new Map<string, Span>();
    for (const [own, group] of Map.groupBy(tasks, traceOf))
      spans.set(own, this.#start(stream, group, around));
    const traced = tasks.map((task) => withTrace(task, spans.get(traceOf(task))));
    try {
      const states = await push(traced);
      if (states.length === 1)
        for (const span of spans.values()) span.setAttribute(ATTR_MESSAGING_MESSAGE_ID, states[0]?.id ?? "");
      return states;
    } catch (error) {
      for (const span of spans.values()) fail(span, error);
      throw error;
    } finally {
      for (const span of spans.values()) span.end();
    }
  }

  /** `group`: tasks of one trace, at least one. */
  #start(stream: string, group: readonly NewTask[], around: Context): Span {
    const [first] = group;
    const kinds = new Set(group.map(({ kind }) => kind));
    const attributes = {
      ...operation("send", "send", stream),
      ...(group.length > 1 ? { [ATTR_MESSAGING_BATCH_MESSAGE_COUNT]: group.length } : {}),
      ...(kinds.size === 1 && first !== undefined ? { [TASK.kind]: first.kind } : {}),
    };
    const parent = contextWith(first ?? {}, around);
    return this.#tracer.startSpan(`send ${stream}`, { kind: SpanKind.PRODUCER, attributes }, parent);
  }
}

function traceOf({ traceparent = "" }: NewTask): string {
  return traceparent;
}

function withTrace(task: NewTask, span: Span | undefined): NewTask {
  // An application without an SDK has spans that are none.
  if (span === undefined || !isSpanContextValid(span.spanContext())) return task;
  const { traceparent = "", tracestate } = parentOf(span.spanContext());
  return { ...task, traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
}

function fail(span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  span.setAttribute(ATTR_ERROR_TYPE, name);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** W3C Trace Context between tasks, requests and OpenTelemetry's contexts. */
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from "@opentelemetry/api";
import { formatTraceParent, isTraceState, parseTraceParent } from "../../contract/traceparent.ts";
import type { PushParent } from "./tracing.ts";

/** `context` with the span that a parent names; as it is, when it names none. */
export function contextWith(
  { traceparent, tracestate }: PushParent,
  context: Context = ROOT_CONTEXT,
): Context {
  const parsed = parseTraceParent(traceparent);
  if (parsed === undefined) return context;
  const { traceId, spanId, flags } = parsed;
  const state = isTraceState(tracestate) ? { traceState: createTraceState(tracestate) } : {};
  return trace.setSpanContext(context, { traceId, spanId, traceFlags: flags & 1, isRemote: true, ...state });
}

/** The span as a parent elsewhere. */
export function parentOf({ traceId, spanId, traceFlags, traceState }: SpanContext): PushParent {
  const state = traceState?.serialize() ?? "";
  return {
    traceparent: formatTraceParent({ traceId, spanId, flags: traceFlags }),
    ...(state === "" ? {} : { tracestate: state }),
  };
}

/** For libraries that handlers use. */
export class W3CPropagator implements TextMapPropagator {
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const span = trace.getSpanContext(context);
    if (span === undefined) return;
    for (const [name, value] of Object.entries(parentOf(span))) setter.set(carrier, name, value as string);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const [traceparent, tracestate] = this.fields().map((name) => [getter.get(carrier, name)].flat()[0]);
    return contextWith({ traceparent, tracestate }, context);
  }

  fields(): string[] {
    return ["traceparent", "tracestate"];
  }
}

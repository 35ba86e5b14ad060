import { trace } from "@opentelemetry/api";
import { SendSpans } from "./send-spans.ts";
import type { SendTraces } from "./tracing.ts";

/** Spans of pushes by whatever the application has registered; none are made where it has nothing. */
export function applicationsSpans(): SendTraces {
  return new SendSpans(trace.getTracer("taskfleet"));
}

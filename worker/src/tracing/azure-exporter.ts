/** Loaded only where spans go to Azure Monitor. */
import { AzureMonitorTraceExporter } from "@azure/monitor-opentelemetry-exporter";
import { SpanKind } from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";

export function azureExporter(connectionString: string): SpanExporter {
  // It would report its own doings to its maker.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT = "1";
  // Workers may write to no disk; and what was not taken at once is counted here.
  const exporter = new AzureMonitorTraceExporter({ connectionString, disableOfflineStorage: true });
  return {
    export: (spans, taken) => void exporter.export(spans.map(named), taken),
    shutdown: () => exporter.shutdown(),
  };
}

/** It leaves requests that came over a queue without a name, unless an attribute says it. */
function named(span: ReadableSpan): ReadableSpan {
  if (span.kind !== SpanKind.CONSUMER) return span;
  return { ...span, attributes: { ...span.attributes, "ai.operation.name": span.name } };
}

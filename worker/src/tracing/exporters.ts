/** The receivers of spans. Each exporter is loaded only where it is used. */
import { SpanKind } from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Receivers } from "./open-tracing.ts";

export interface NamedExporter {
  readonly name: "otlp" | "azure_monitor";
  readonly exporter: SpanExporter;
}

/** For one batch, an exporter's own repeats included. */
const TIMEOUT_MS = 5_000;

/** `name=value` with commas between them; a comma or percent sign in a value is percent-encoded. */
export function parseHeaders(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => {
    const at = pair.indexOf("=");
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(pairs.flat());
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function otlp({ otlpEndpoint, otlpHeaders }: Receivers): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter({
    url: `${otlpEndpoint.replace(/\/+$/, "")}/v1/traces`,
    headers: parseHeaders(otlpHeaders),
    timeoutMillis: TIMEOUT_MS,
  });
}

async function azureMonitor(connectionString: string): Promise<SpanExporter> {
  // It would report its own doings to its maker.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT = "1";
  const { AzureMonitorTraceExporter } = await import("@azure/monitor-opentelemetry-exporter");
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

export async function openExporters(receivers: Receivers): Promise<readonly NamedExporter[]> {
  const found: NamedExporter[] = [];
  if (receivers.otlpEndpoint !== "") found.push({ name: "otlp", exporter: await otlp(receivers) });
  if (receivers.azureMonitor !== "")
    found.push({ name: "azure_monitor", exporter: await azureMonitor(receivers.azureMonitor) });
  return found;
}

/** Loaded only where spans go to a collector. A module of its own: a bundle names no exports of CommonJS to `import()`. */
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import { EXPORT_TIMEOUT_MS, parseHeaders } from "./exporter-options.ts";

export function otlpExporter(endpoint: string, headers: string): SpanExporter {
  return new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    headers: parseHeaders(headers),
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
}

/** The receivers of spans. Each exporter is loaded only where it is used. */
import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Receivers } from "./open-tracing.ts";

export interface NamedExporter {
  readonly name: "otlp" | "azure_monitor";
  readonly exporter: SpanExporter;
}

export async function openExporters({
  otlpEndpoint,
  otlpHeaders,
  azureMonitor,
}: Receivers): Promise<readonly NamedExporter[]> {
  const found: NamedExporter[] = [];
  if (otlpEndpoint !== "") {
    const { otlpExporter } = await import("./otlp-exporter.ts");
    found.push({ name: "otlp", exporter: otlpExporter(otlpEndpoint, otlpHeaders) });
  }
  if (azureMonitor !== "") {
    const { azureExporter } = await import("./azure-exporter.ts");
    found.push({ name: "azure_monitor", exporter: azureExporter(azureMonitor) });
  }
  return found;
}

/** A role's tracing as its settings say. OpenTelemetry is loaded where it is on, and nowhere else. */
import { SUPERVISOR } from "../../contract/secret-sources.ts";
import { SETTINGS } from "../../contract/settings.ts";
import type { Settings } from "../config/load-settings.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { type Tracing, UNTRACED } from "./tracing.ts";

export type TracingSettings = Pick<
  Settings,
  | "tracing"
  | "otlpEndpoint"
  | "otlpHeaders"
  | "azureMonitor"
  | "tracingSample"
  | "serviceName"
  | "secretSources"
>;

/** A logger, as far as tracing needs one. */
export interface TracingLog {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
}

export interface TracingOptions {
  readonly settings: TracingSettings;
  readonly role: "worker" | "api" | "cli";
  /** Names this process among those of its role; default: none. */
  readonly instance?: string;
  readonly version?: string;
  /** A confined worker's; others have them among their settings. */
  readonly secrets?: Pick<Secrets, "need" | "get">;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  readonly logger: TracingLog;
}

/** Where spans go. */
export interface Receivers {
  /** OTLP's collector, without `/v1/traces`; "" for none. */
  readonly otlpEndpoint: string;
  readonly otlpHeaders: string;
  /** Azure Monitor's connection string; "" for none. */
  readonly azureMonitor: string;
}

/** Where a collector listens by default. */
const DEFAULT_ENDPOINT = "http://127.0.0.1:4318";

/** Pure: a collector that nobody named gets nothing where Azure Monitor was named. */
export function receiversOf({ otlpEndpoint, otlpHeaders, azureMonitor }: Receivers): Receivers {
  const usual = azureMonitor === "" ? DEFAULT_ENDPOINT : "";
  return { otlpEndpoint: otlpEndpoint || usual, otlpHeaders, azureMonitor };
}

/** A confined worker has no secrets in its environment: it asks its supervisor. */
async function withSecrets({ settings, secrets }: TracingOptions): Promise<Receivers> {
  if (secrets === undefined || !settings.secretSources.includes(SUPERVISOR)) return settings;
  const { azureMonitor, otlpHeaders } = SETTINGS;
  await secrets.need([azureMonitor.env, otlpHeaders.env]);
  return {
    otlpEndpoint: settings.otlpEndpoint,
    otlpHeaders: secrets.get(otlpHeaders.env) ?? "",
    azureMonitor: secrets.get(azureMonitor.env) ?? "",
  };
}

/** Ends with the role, by `stop()`. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { settings } = options;
  if (!settings.tracing && settings.azureMonitor === "") return UNTRACED;
  const receivers = receiversOf(await withSecrets(options));
  const { startTracing } = await import("./start-tracing.ts");
  return startTracing({
    ...receivers,
    sample: settings.tracingSample,
    serviceName: settings.serviceName || `taskfleet-${options.role}`,
    instance: options.instance ?? "",
    version: options.version ?? "",
    redact: options.redact,
    logger: options.logger,
  });
}

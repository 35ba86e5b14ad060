import { DEFAULTS } from "./defaults.ts";
import type { Bounds, Section } from "./section.ts";

export interface ResolvedObservability {
  readonly enabled: boolean;
  readonly grafana: boolean;
  readonly logs: boolean;
  /** "" for nowhere. */
  readonly alertWebhook: string;
  readonly prometheusPort: number;
  readonly grafanaPort: number;
  readonly syslogPort: number;
}

const PORT: Bounds = { min: 1, max: 65_535, unit: "port", whole: true };
const WEBHOOK = /^https?:\/\/[^\s,/?#]+[^\s]*$/;

/** Off as a whole, all its parts are off. */
export function resolveObservability(section: Section): ResolvedObservability {
  const enabled = section.flag("enabled", DEFAULTS.observability);
  const parts = {
    grafana: section.flag("grafana", DEFAULTS.grafana),
    logs: section.flag("logs", DEFAULTS.logs),
  };
  const alertWebhook = section.text("alertWebhook", WEBHOOK, "a URL of http or https", "");
  const ports = {
    prometheusPort: section.number("prometheusPort", PORT, DEFAULTS.prometheusPort),
    grafanaPort: section.number("grafanaPort", PORT, DEFAULTS.grafanaPort),
    syslogPort: section.number("syslogPort", PORT, DEFAULTS.syslogPort),
  };
  section.finish();
  return Object.freeze({
    enabled,
    grafana: enabled && parts.grafana,
    logs: enabled && parts.logs,
    alertWebhook,
    ...ports,
  });
}

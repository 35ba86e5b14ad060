import { DEFAULTS } from "./defaults.ts";
import type { Section } from "./section.ts";

export interface ResolvedObservability {
  readonly enabled: boolean;
  readonly grafana: boolean;
  readonly logs: boolean;
  /** "" for nowhere. */
  readonly alertWebhook: string;
}

const WEBHOOK = /^https?:\/\/[^\s,/?#]+[^\s]*$/;

/** Off as a whole, all its parts are off. */
export function resolveObservability(section: Section): ResolvedObservability {
  const enabled = section.flag("enabled", DEFAULTS.observability);
  const parts = {
    grafana: section.flag("grafana", DEFAULTS.grafana),
    logs: section.flag("logs", DEFAULTS.logs),
  };
  const alertWebhook = section.text("alertWebhook", WEBHOOK, "a URL of http or https", "");
  section.finish();
  return Object.freeze({
    enabled,
    grafana: enabled && parts.grafana,
    logs: enabled && parts.logs,
    alertWebhook,
  });
}

import { SETTINGS } from "../../worker/contract/settings.ts";
import { DEFAULTS } from "./defaults.ts";
import type { Section } from "./section.ts";
import { HISTORY_FIELDS, type ResolvedSection, TRACING_FIELDS } from "./setting-fields.ts";

export interface ResolvedTracing extends ResolvedSection<typeof TRACING_FIELDS> {
  readonly enabled: boolean;
  /** "" for the usual one. */
  readonly otlpEndpoint: string;
}

export interface ResolvedHistory extends ResolvedSection<typeof HISTORY_FIELDS> {
  readonly enabled: boolean;
}

const ENDPOINT = /^(https?:\/\/[^\s,/?#]+[^\s,?#]*)?$/;

export function resolveTracing(section: Section): ResolvedTracing {
  const tracing = {
    ...section.settings(TRACING_FIELDS, (name) => SETTINGS[name].default),
    enabled: section.flag("enabled", DEFAULTS.tracing),
    otlpEndpoint: section.text(
      "otlpEndpoint",
      ENDPOINT,
      "a URL such as http://127.0.0.1:4318, without /v1/traces",
      SETTINGS.otlpEndpoint.default,
    ),
  };
  section.finish();
  return Object.freeze(tracing);
}

export function resolveHistory(section: Section): ResolvedHistory {
  const history = {
    ...section.settings(HISTORY_FIELDS, (name) => SETTINGS[name].default),
    enabled: section.flag("enabled", DEFAULTS.history),
  };
  section.finish();
  return Object.freeze(history);
}

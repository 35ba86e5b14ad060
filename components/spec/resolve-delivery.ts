import { SETTINGS } from "../../worker/contract/settings.ts";
import type { Section } from "./section.ts";
import { DELIVERY_FIELDS, RESULT_FIELDS, type ResolvedSection } from "./setting-fields.ts";
import { formatDuration } from "./units.ts";

export interface ResolvedDelivery
  extends ResolvedSection<typeof DELIVERY_FIELDS>,
    ResolvedSection<typeof RESULT_FIELDS> {
  /** "": the target's own place. */
  readonly resultDirectory: string;
}

const ABSOLUTE = /^\/[^\p{Cc}]{0,1024}$/u;

export function resolveDelivery(section: Section): ResolvedDelivery {
  const delivery = {
    ...section.settings(DELIVERY_FIELDS, (name) => SETTINGS[name].default),
    ...section.settings(RESULT_FIELDS, (name) => SETTINGS[name].default),
    resultDirectory: section.text("resultDirectory", ABSOLUTE, "an absolute path", ""),
  };
  section.inOrder(["retryBase", delivery.retryBase], ["retryMax", delivery.retryMax], formatDuration);
  section.finish();
  return Object.freeze(delivery);
}

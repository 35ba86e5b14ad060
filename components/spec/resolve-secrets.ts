import { parseSource, SOURCE_FORMS, SUPERVISOR } from "../../worker/contract/secret-sources.ts";
import { SETTINGS } from "../../worker/contract/settings.ts";
import type { Section } from "./section.ts";
import { type ResolvedSection, SECRETS_FIELDS } from "./setting-fields.ts";

export interface ResolvedSecrets extends ResolvedSection<typeof SECRETS_FIELDS> {
  readonly sources: readonly string[];
}

/** No commas: the setting separates by them. A worker's supervisor is no source that a spec may name. */
function isSource(text: string): boolean {
  return !text.includes(",") && text !== SUPERVISOR && parseSource(text) !== undefined;
}

export function resolveSecrets(section: Section): ResolvedSecrets {
  const secrets = {
    ...section.settings(SECRETS_FIELDS, (name) => SETTINGS[name].default),
    sources: section.texts("sources", isSource, `a list of ${SOURCE_FORMS}`),
  };
  section.finish();
  return Object.freeze(secrets);
}

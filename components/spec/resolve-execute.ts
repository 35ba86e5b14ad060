import { PROTECTIONS, type Protection } from "../../worker/contract/sandbox.ts";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { DEFAULTS } from "./defaults.ts";
import type { Section } from "./section.ts";
import { EXECUTE_FIELDS, type ResolvedSection } from "./setting-fields.ts";

export interface ResolvedExecute extends ResolvedSection<typeof EXECUTE_FIELDS> {
  readonly untrusted: boolean;
  readonly acceptUnenforced: readonly Protection[];
  /** Absolute; "" for none. */
  readonly broker: string;
  /** Absolute paths. */
  readonly readable: readonly string[];
}

/** No commas: the setting separates by them. */
const ABSOLUTE = /^\/[^\p{Cc},]{0,1023}$/u;

export function resolveExecute(section: Section): ResolvedExecute {
  const execute = {
    ...section.settings(EXECUTE_FIELDS, (name) => SETTINGS[name].default),
    untrusted: section.flag("untrusted", DEFAULTS.untrustedExecute),
    acceptUnenforced: section.choices("acceptUnenforced", PROTECTIONS),
    broker: section.text("broker", ABSOLUTE, "an absolute path", ""),
    readable: section.texts(
      "readable",
      (path) => ABSOLUTE.test(path),
      "a list of absolute paths without commas",
    ),
  };
  if (execute.backEnd === "broker" && execute.broker === "")
    section.refuse(
      "broker",
      'an absolute path, because backEnd is "broker"',
      "Name the socket of the sandbox broker, or choose another backEnd.",
    );
  section.finish();
  return Object.freeze(execute);
}

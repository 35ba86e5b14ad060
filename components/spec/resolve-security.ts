import type { SecurityProfile } from "../../worker/contract/controls.ts";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { CONFINEMENTS, type Confinement, type Demand } from "./features.ts";
import type { Section } from "./section.ts";
import { SECURITY_FIELDS } from "./setting-fields.ts";

export interface ResolvedSecurity extends SecurityProfile {
  readonly acceptUnenforced: readonly Confinement[];
  /** What is written down as such and asks for confinement; a default is no demand. */
  readonly demands: readonly Demand[];
}

/** Values that switch a control off ask nothing of the target. */
const RELAXED: readonly unknown[] = [false, "none", "unconfined"];

export function resolveSecurity(section: Section): ResolvedSecurity {
  const profile = section.settings(SECURITY_FIELDS, (name) => SETTINGS[name].default);
  const acceptUnenforced = section.choices("acceptUnenforced", CONFINEMENTS);
  section.finish();
  const demands = CONFINEMENTS.map((feature) => ({
    feature,
    path: section.at(feature),
    written: section.raw(feature),
  }))
    .filter(({ written }) => written !== undefined && !RELAXED.includes(written))
    .filter(({ feature }) => !acceptUnenforced.includes(feature))
    .map(({ feature, path, written }): Demand => ({ feature, path, value: String(written) }));
  return Object.freeze({ ...profile, acceptUnenforced, demands: Object.freeze(demands) });
}

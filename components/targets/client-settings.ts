import type { SettingName } from "../../worker/contract/settings.ts";
import type { ResolvedFleet } from "../spec/resolve.ts";
import { DATABASE_FIELDS, LOGGING_FIELDS } from "../spec/setting-fields.ts";
import { classSettings, type SettingValues } from "../spec/to-environment.ts";

/** How clients log is their own matter; how they reach the record stands in a file of its own. */
const NOT_OF_THE_QUEUE: readonly string[] = [
  ...Object.values(LOGGING_FIELDS),
  ...Object.values(DATABASE_FIELDS),
  "tablePrefix" satisfies SettingName,
];

/** What the spec says to programs that push tasks and read results. */
export function clientSettings(fleet: ResolvedFleet): SettingValues {
  const told = Object.entries(classSettings(fleet, fleet.classes[0], "cli"));
  return Object.fromEntries(told.filter(([name]) => !NOT_OF_THE_QUEUE.includes(name)));
}

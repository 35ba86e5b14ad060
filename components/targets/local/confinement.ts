import { resolve } from "node:path";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import type { SettingValues } from "../../spec/to-environment.ts";
import type { LocalContext } from "./document.ts";

/** What a supervisor needs to confine a worker, beside the spec's `security`. */
export function confinementSettings(
  fleet: ResolvedFleet,
  { root, bundle, hiddenPaths }: Pick<LocalContext, "root" | "bundle" | "hiddenPaths">,
): SettingValues {
  return {
    confine: true,
    handlers: fleet.handlers === "" ? "" : resolve(root, fleet.handlers),
    hiddenPaths,
    sandboxHelper: bundle.sandboxHelper,
  };
}

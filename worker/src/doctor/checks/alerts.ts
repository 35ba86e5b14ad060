import { type Check, failed, ok, skipped, warn } from "../check.ts";

/** Prometheus has alert rules, evaluates them, and tells somebody. */
export const alerts: Check = {
  id: "alerts",
  title: "Alerts configured",
  source: "production checklist",
  run: ({ alerts: found }) => {
    if ("unknown" in found) return skipped(found.unknown);
    const { address, fault, rules, receivers } = found;
    if (fault !== null)
      return failed(`Prometheus at ${address}: ${fault}`, "start it, or correct TASKFLEET_PROMETHEUS_URL");
    if (rules.length === 0)
      return failed(
        `Prometheus at ${address} has no alert rules`,
        "give it those of the stack (docs/observability.md)",
      );
    const broken = rules.find(({ error }) => error !== null);
    if (broken !== undefined)
      return failed(
        `Prometheus at ${address} cannot evaluate ${broken.name}: ${broken.error}`,
        "taskfleet up writes the rules anew",
      );
    const known = `${rules.length} alert rules at ${address}`;
    const firing = rules.filter((rule) => rule.firing).map(({ name }) => name);
    if (firing.length > 0)
      return warn(`${known}; firing: ${firing.join(", ")}`, "docs/runbooks has a page for each");
    if (receivers === 0)
      return warn(
        `${known}; they are told to nobody`,
        "give Prometheus an Alertmanager (docs/observability.md)",
      );
    return ok(`${known}, none fires; they go to ${receivers} Alertmanager${receivers === 1 ? "" : "s"}`);
  },
};

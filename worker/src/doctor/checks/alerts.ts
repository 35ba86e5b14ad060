import { type Check, skipped } from "../check.ts";

/** Alert rules come with the dashboards, which are not there yet. */
export const alerts: Check = {
  id: "alerts",
  title: "Alerts configured",
  source: "production checklist",
  run: () => skipped("alert rules come with the dashboards, which taskfleet does not have yet"),
};

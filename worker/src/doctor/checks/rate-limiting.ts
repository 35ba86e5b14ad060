import { type Check, failed, ok, skipped } from "../check.ts";

/** The API limits how often a client may push. */
export const rateLimiting: Check = {
  id: "rate-limiting",
  title: "Rate limiting enabled",
  source: "production checklist",
  run: ({ processes, endpoints, fleet: { apiRate, apiRateWindow, source } }) => {
    const served = processes.some(({ role }) => role === "api") || endpoints.some(({ of }) => of === "api");
    if (!served) return skipped("no API of this fleet runs here, and TASKFLEET_API_URL names none");
    if (apiRate > 0)
      return ok(`${apiRate} pushes in any ${apiRateWindow} s for a key or an address (${source})`);
    return failed(
      `any number of pushes is let through (${source})`,
      "set TASKFLEET_API_RATE, 100 by default",
    );
  },
};

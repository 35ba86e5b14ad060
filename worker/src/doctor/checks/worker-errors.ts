import { count } from "../../cli/output/units.ts";
import { type Check, failed, ok, skipped, warn } from "../check.ts";
import type { Facts } from "../facts.ts";

/** Errors a minute of one worker from which on something is broken. Source: worker-pool runbook, Key Metrics. */
const MOST_A_MINUTE = 10;

/** Workers themselves fail rarely; failures of tasks are no part of it. */
export const workerErrors: Check = {
  id: "worker-errors",
  title: "Worker logs show no errors",
  source: "before a deployment",
  run: (facts) => {
    const way_out = "taskfleet logs shows them";
    const rates = errorRates(facts);
    const worst = Math.max(0, ...rates.map(({ aMinute }) => aMinute));
    if (worst > MOST_A_MINUTE)
      return failed(
        `a worker has ${worst.toFixed(1)} errors a minute, ${MOST_A_MINUTE} are allowed`,
        way_out,
      );
    const counted = rates.reduce((sum, { errors }) => sum + errors, 0);
    const logged = typeof facts.logErrors === "number" ? facts.logErrors : 0;
    if (counted + logged > 0)
      return warn(
        `${count(counted, "error")} of live workers, ${logged} in the last lines of the logs`,
        way_out,
      );
    if (rates.length === 0 && typeof facts.logErrors !== "number")
      return skipped(`no worker can be asked from here, and ${facts.logErrors.unknown}`);
    return ok(`none of ${count(rates.length, "live worker")}`);
  },
};

function errorRates({ endpoints, queue }: Facts): { errors: number; aMinute: number }[] {
  if ("unknown" in queue) return [];
  const started = new Map(
    queue.workers.map(({ worker_id, started_at }) => [`worker ${worker_id}`, started_at]),
  );
  return endpoints.flatMap(({ of, workerErrors: errors }) => {
    if (errors === null) return [];
    // One that has just started may not look like a catastrophe because of one error.
    const minutes = Math.max(1, (queue.at - (started.get(of) ?? queue.at)) / 60_000);
    return [{ errors, aMinute: errors / minutes }];
  });
}

import { METRICS, type MetricDefinition } from "../../../contract/metrics.ts";
import { type Check, failed, ofQueue, ok, skipped } from "../check.ts";

const OF_LEADER = (Object.values(METRICS) as readonly MetricDefinition[]).filter(
  ({ exposedBy }) => exposedBy === "leader",
);

/** The leading spawner exports the queue's metrics, every one. */
export const metricsExported: Check = {
  id: "metrics",
  title: "Metrics exported",
  source: "production checklist",
  run: (facts) =>
    ofQueue(facts, ({ leader }) => {
      if (leader === null)
        return failed(
          "no spawner leads, so nobody exports the queue's metrics",
          "taskfleet up, or start a spawner",
        );
      const found = facts.endpoints.find(({ of }) => of === "leader");
      if (found === undefined) return skipped(`the leader ${leader} cannot be asked from here`);
      const isRecorded = facts.database.state !== "none";
      const expected = OF_LEADER.filter(({ where }) => isRecorded || where !== "record");
      const missing = expected.map(({ name }) => name).filter((name) => !found.metrics.includes(name));
      if (missing.length === 0)
        return ok(`${expected.length} metrics of the queue at ${found.address}/metrics`);
      return failed(
        `${found.address}/metrics lacks ${missing.join(", ")}`,
        "is the spawner of this version? taskfleet up replaces it",
      );
    }),
};

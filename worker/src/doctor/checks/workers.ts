import { count } from "../../cli/output/units.ts";
import { type Check, failed, ofQueue, ok, warn } from "../check.ts";

/** Somebody works, or nothing is to be done. */
export const workers: Check = {
  id: "workers",
  title: "Workers are running",
  source: "before a deployment",
  run: (facts) =>
    ofQueue(facts, ({ workers: reported, at, depth, leader }) => {
      const live = reported.filter(({ seen_at }) => at - seen_at <= facts.fleet.lease * 1000);
      const silent = reported.length - live.length;
      const waiting = depth.waiting + depth.due;
      if (live.length === 0 && (waiting > 0 || leader === null))
        return failed(
          `no live worker, ${count(waiting, "task")} waiting, ${leader === null ? "no spawner leads" : `${leader} leads`}`,
          "taskfleet logs says why none starts; taskfleet up starts spawners",
        );
      if (silent > 0)
        return warn(
          `${count(live.length, "live worker")}, ${silent} silent for more than the lease of ${facts.fleet.lease} s`,
          "the spawner takes their tasks back; taskfleet workers shows them",
        );
      if (live.length === 0) return ok("none, and nothing waits: the fleet is scaled to zero");
      return ok(count(live.length, "live worker"));
    }),
};

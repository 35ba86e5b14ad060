import { count, formatDuration } from "../../cli/output/units.ts";
import { type Check, failed, ofQueue, ok, warn } from "../check.ts";

/** Source: worker-pool runbook, Key Metrics: `nova_runs_queued` over 100 alerts. */
const MOST_WAITING = 100;

/** The queue is open and not behind. */
export const backlog: Check = {
  id: "backlog",
  title: "Queue backlog is small",
  source: "before a deployment",
  run: (facts) =>
    ofQueue(facts, ({ depth }) => {
      const { waiting, due, parked, running, deadLetters, oldestIdleMs, paused } = depth;
      const behind = waiting + due;
      const oldest = behind > 0 ? `, the oldest for ${formatDuration(oldestIdleMs)}` : "";
      const text = `${count(behind, "task")} waiting${oldest}, ${parked} parked, ${running} running, ${count(deadLetters, "dead letter")}`;
      if (behind > MOST_WAITING)
        return failed(
          `${text}; ${MOST_WAITING} waiting are allowed`,
          "wait, or let more workers start: fleet.scaling.max",
        );
      if (paused) return warn(`the queue is paused; ${text}`, "taskfleet queue resume");
      if (deadLetters > 0) return warn(text, "taskfleet queue dlq clusters shows what they died of");
      return ok(text);
    }),
};

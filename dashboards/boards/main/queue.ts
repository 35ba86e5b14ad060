/** Is the work done: what waits, for how long, and does it get less. */
import type { RowSpec } from "../../board.ts";
import { EXPECTED } from "../../expected.ts";
import { queries } from "../../queries.ts";
import { BOARD } from "../../scope.ts";

export const queue: RowSpec = {
  title: "Queue",
  panels: [
    {
      id: 1,
      title: "Waiting tasks by kind",
      description: "Tasks that wait, retries and delayed ones included; running ones are not among them.",
      unit: "short",
      view: "lines",
      targets: [{ expr: queries.pendingByKind(BOARD), legend: "{{kind}} ({{stream}})" }],
      expected: EXPECTED.pending,
      alerts: ["QueuePendingHigh", "RunsQueuedHigh"],
    },
    {
      id: 2,
      title: "Running tasks by kind",
      description: "Tasks that workers hold, as the workers reported them last.",
      unit: "short",
      view: "stack",
      targets: [{ expr: queries.runningByKind(BOARD), legend: "{{kind}} ({{stream}})" }],
    },
    {
      id: 3,
      title: "Longest wait",
      description:
        "How long the task that has waited longest has been waiting, or been held without a sign of life.",
      unit: "s",
      view: "lines",
      targets: [{ expr: queries.longestWait(BOARD), legend: "{{stream}}" }],
      expected: EXPECTED.wait,
    },
    {
      id: 4,
      title: "Backlog",
      description:
        "Waiting and running tasks of all priorities: what scaling reads. Delayed ones are not due yet.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.backlog(BOARD), legend: "backlog ({{stream}})" },
        { expr: queries.delayed(BOARD), legend: "delayed ({{stream}})" },
      ],
      alerts: ["QueueDepthHigh"],
    },
    {
      id: 5,
      title: "Backlog growth and drain",
      description: "Tasks a second: above zero the backlog grows, below it drains.",
      unit: "ops",
      view: "lines",
      targets: [{ expr: queries.backlogGrowth(BOARD), legend: "{{stream}}" }],
    },
    {
      id: 6,
      title: "Time to drain",
      description: "When the backlog is gone at the pace of now; no value while it does not shrink.",
      unit: "dtdurations",
      view: "lines",
      targets: [{ expr: queries.drainTime(BOARD), legend: "{{stream}}" }],
    },
    {
      id: 7,
      title: "Held back by limits",
      description: "Tasks that the limits of their kind keep waiting, and how often a worker met one.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.parkedByKind(BOARD), legend: "parked {{kind}} ({{stream}})" },
        { expr: queries.parkings(BOARD), legend: "parkings {{kind}}" },
      ],
    },
    {
      id: 8,
      title: "Paused",
      description: "1 while tasks are accepted and none is started.",
      unit: "bool_on_off",
      view: "number",
      targets: [{ expr: queries.paused(BOARD), legend: "{{stream}}" }],
      expected: { from: 0, to: 1 },
      alerts: ["QueuePaused"],
    },
    {
      id: 9,
      title: "Dead letters",
      description: "Tasks that failed for good and wait for somebody; how many went back to the queue.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.deadLetters(BOARD), legend: "dead ({{stream}})" },
        { expr: queries.requeued(BOARD), legend: "requeued ({{stream}})" },
      ],
      expected: EXPECTED.deadLetters,
      alerts: ["TaskErrorRateHigh"],
    },
  ],
};

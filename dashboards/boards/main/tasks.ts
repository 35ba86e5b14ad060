/** How fast and how well: throughput, failures, run time, circuits. */
import type { RowSpec } from "../../board.ts";
import { EXPECTED } from "../../expected.ts";
import { queries } from "../../queries.ts";
import { BOARD } from "../../scope.ts";

export const tasks: RowSpec = {
  title: "Throughput and failures",
  panels: [
    {
      id: 40,
      title: "Tasks in and out",
      description: "Tasks accepted and tasks that ended, a second.",
      unit: "ops",
      view: "lines",
      targets: [
        { expr: queries.enqueuedByKind(BOARD), legend: "in: {{kind}}" },
        { expr: queries.endedByKind(BOARD), legend: "out: {{kind}}" },
      ],
    },
    {
      id: 41,
      title: "Attempts by how they ended",
      description: "retry: will run again; error and dead: ended for good without success.",
      unit: "ops",
      view: "stack",
      targets: [{ expr: queries.attemptsByStatus(BOARD), legend: "{{status}}" }],
    },
    {
      id: 42,
      title: "Tasks that ended without success",
      description: "Share of the tasks that ended as an error or a dead letter.",
      unit: "percentunit",
      view: "lines",
      targets: [{ expr: queries.taskErrorShare(BOARD), legend: "failed" }],
      expected: EXPECTED.taskErrors,
      alerts: ["TaskErrorRateHigh"],
    },
    {
      id: 43,
      title: "Failures by handler and reason",
      description: "Attempts that failed, a second.",
      unit: "ops",
      view: "stack",
      targets: [{ expr: queries.failuresByReason(BOARD), legend: "{{handler}}: {{reason}}" }],
      alerts: ["HandlerFailuresHigh"],
    },
    {
      id: 44,
      title: "Share of attempts that fail",
      description: "By handler.",
      unit: "percentunit",
      view: "lines",
      targets: [{ expr: queries.handlerFailureShare(BOARD), legend: "{{handler}}" }],
      expected: EXPECTED.handlerFailures,
      alerts: ["HandlerFailuresHigh"],
    },
    {
      id: 45,
      title: "Run time",
      description:
        "Of attempts, by kind: half of them, and all but one in a hundred, took no longer; and the mean.",
      unit: "s",
      view: "lines",
      targets: [
        { expr: queries.runTimeQuantile(0.5, BOARD), legend: "p50 {{kind}}" },
        { expr: queries.runTimeQuantile(0.99, BOARD), legend: "p99 {{kind}}" },
        { expr: queries.meanRunTime(BOARD), legend: "mean {{kind}}" },
      ],
      alerts: ["RunDurationP99High", "TaskDurationHigh"],
    },
    {
      id: 46,
      title: "Circuits",
      description: "Services outside that handlers do not call for now, since calls failed.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.openCircuits(BOARD), legend: "{{circuit}} ({{stream}})" },
        { expr: queries.circuitsOpened(BOARD), legend: "opened ({{stream}})" },
      ],
    },
  ],
};

/**
 * *Cost*: what the fleet's time goes into. Tokens, GPU seconds, spend, forecast and budget join with the handlers
 * that cause them.
 */
import type { BoardSpec, RowSpec } from "../board.ts";
import { queries } from "../queries.ts";
import { BOARD, BOARD_RANGE } from "../scope.ts";

const totals: RowSpec = {
  title: "In the time shown",
  panels: [
    {
      id: 1,
      title: "Worker time",
      description: "How long workers existed, added up: what machines are paid for.",
      unit: "dtdurations",
      view: "number",
      targets: [{ expr: queries.workerSeconds(BOARD_RANGE), legend: "workers" }],
    },
    {
      id: 2,
      title: "Idle worker time",
      description: "Of that, without a task: the warm pool, and the wait before workers are given up.",
      unit: "dtdurations",
      view: "number",
      targets: [{ expr: queries.idleWorkerSeconds(BOARD_RANGE), legend: "idle" }],
    },
    {
      id: 3,
      title: "Run time by kind",
      description: "Run time of the attempts that ended, added up.",
      unit: "dtdurations",
      view: "number",
      targets: [{ expr: queries.runSeconds(BOARD_RANGE), legend: "{{kind}}" }],
    },
    {
      id: 4,
      title: "Run time without success",
      description: "Of that, in attempts that failed: retries, errors and dead letters.",
      unit: "dtdurations",
      view: "number",
      targets: [{ expr: queries.wastedRunSeconds(BOARD_RANGE), legend: "{{kind}}" }],
      alerts: ["TaskErrorRateHigh", "HandlerFailuresHigh"],
    },
  ],
};

const course: RowSpec = {
  title: "Over time",
  panels: [
    {
      id: 20,
      title: "Workers",
      description:
        "Workers that exist and those that hold a task; the area between them is paid for and idle.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.liveWorkers(), legend: "exist" },
        { expr: queries.busyWorkers(), legend: "busy" },
      ],
    },
    {
      id: 21,
      title: "Slots kept busy by kind",
      description: "Run time that ended, a second: how many slots a kind needs on average.",
      unit: "short",
      view: "stack",
      targets: [{ expr: queries.runSecondsRate(BOARD), legend: "{{kind}}" }],
    },
    {
      id: 22,
      title: "Use of slots",
      description: "Share of the slots that hold a task.",
      unit: "percentunit",
      view: "lines",
      targets: [{ expr: queries.slotUse(BOARD), legend: "used" }],
    },
    {
      id: 23,
      title: "Run time of an attempt by kind",
      description: "The mean. What one more task of a kind costs.",
      unit: "s",
      view: "lines",
      targets: [{ expr: queries.meanRunTime(BOARD), legend: "{{kind}}" }],
      alerts: ["TaskDurationHigh"],
    },
    {
      id: 24,
      title: "Tasks done by kind",
      description: "Tasks that ended, a second.",
      unit: "ops",
      view: "stack",
      targets: [{ expr: queries.endedByKind(BOARD), legend: "{{kind}}" }],
    },
  ],
};

export const costBoard: BoardSpec = {
  uid: "taskfleet-cost",
  title: "taskfleet: Cost",
  description: "What the fleet's time goes into, by kind.",
  from: "now-24h",
  rows: [totals, course],
};

/** By how many: workers, slots, scaling decisions and their reasons. */
import type { RowSpec } from "../../board.ts";
import { EXPECTED } from "../../expected.ts";
import { queries } from "../../queries.ts";
import { BOARD } from "../../scope.ts";

export const workers: RowSpec = {
  title: "Workers and scaling",
  panels: [
    {
      id: 20,
      title: "Workers by state",
      description: "Workers that reported within the lease.",
      unit: "short",
      view: "stack",
      targets: [{ expr: queries.workersByState(), legend: "{{state}} {{service}}" }],
      alerts: ["WorkersTooFew"],
    },
    {
      id: 21,
      title: "Slots",
      description: "Tasks that the workers can run at once, and how many of the slots hold one.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.slots(), legend: "slots" },
        { expr: queries.runningTasks(BOARD), legend: "running" },
      ],
    },
    {
      id: 22,
      title: "Use of slots",
      description: "Share of the slots that hold a task of the chosen streams and kinds.",
      unit: "percentunit",
      view: "lines",
      targets: [{ expr: queries.slotUse(BOARD), legend: "used" }],
    },
    {
      id: 23,
      title: "Wanted and live workers",
      description: "What the scaling law wants beside what is there.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.desiredWorkers(BOARD), legend: "wanted ({{stream}})" },
        { expr: queries.takingWorkers(), legend: "take tasks {{service}}" },
      ],
      alerts: ["WorkersTooFew"],
    },
    {
      id: 24,
      title: "Reason of the last scaling decision",
      description: "Which term of the law decided; hold: Redis did not answer, so the number stays.",
      unit: "short",
      view: "stack",
      targets: [{ expr: queries.scalingReason(BOARD), legend: "{{reason}} ({{stream}})" }],
    },
    {
      id: 25,
      title: "Spawners that lead",
      description: "One for each worker class. None: nobody scales or takes lost tasks back.",
      unit: "short",
      view: "lines",
      targets: [{ expr: queries.leaders(), legend: "leaders {{service}}" }],
      expected: EXPECTED.leaders,
      alerts: ["NoLeader"],
    },
    {
      id: 26,
      title: "Ends of worker processes",
      description: "Why workers ended. error: a crash; signal: killed, for want of memory too.",
      unit: "short",
      view: "bars",
      targets: [{ expr: queries.exitsByReason(BOARD), legend: "{{reason}}" }],
      expected: EXPECTED.errorExits,
      alerts: ["WorkerExitsWithError"],
    },
    {
      id: 27,
      title: "Errors of workers and spawners",
      description:
        "Failures of the workers themselves by what they did, and of the spawners' loops; not of handlers.",
      unit: "short",
      view: "bars",
      targets: [
        { expr: queries.workerErrorsBySource(BOARD), legend: "worker: {{source}}" },
        { expr: queries.spawnerFailures(BOARD), legend: "spawner: {{loop}}" },
      ],
      expected: EXPECTED.workerErrors,
      alerts: ["WorkerErrorsHigh"],
    },
    {
      id: 28,
      title: "Tasks that changed hands",
      description:
        "Taken back from silent workers, handed back unrun, dead-lettered as poison, and late results that were refused.",
      unit: "short",
      view: "bars",
      targets: [
        { expr: queries.reclaimed(BOARD), legend: "taken back ({{stream}})" },
        { expr: queries.released(BOARD), legend: "handed back ({{stream}})" },
        { expr: queries.poisoned(BOARD), legend: "poisoned ({{stream}})" },
        { expr: queries.lateResults(BOARD), legend: "late ({{stream}})" },
      ],
    },
  ],
};

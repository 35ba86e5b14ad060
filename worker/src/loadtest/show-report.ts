import { pairs, table } from "../cli/output/table.ts";
import { paint } from "../cli/output/terminal.ts";
import { formatDuration } from "../cli/output/units.ts";
import { type Latency, type LoadReport, TASK_ENDS } from "./report.ts";

/** The report for people. `file`: where it was written. */
export function showLoadReport(report: LoadReport, file: string): string {
  const { rate, duration_ms, kind, stream, via, target, due, ends, passed, faults } = report;
  const counted = TASK_ENDS.filter((end) => end === "success" || ends[end] > 0).map(
    (end) => `${ends[end]} ${end}`,
  );
  return [
    pairs([
      [
        "load",
        `${rate} tasks of ${kind} a second for ${formatDuration(duration_ms)}, to ${stream} at ${target}${via === "api" ? ", over its API" : ""}`,
      ],
      ["tasks", `${due}: ${counted.join(", ")}`],
    ]),
    "\n",
    table(
      ["", "p50", "p90", "p99", "max"],
      [
        ["due to result", ...cells(report.latency_ms)],
        ["due to sent", ...cells(report.late_ms)],
      ],
      { right: [1, 2, 3, 4] },
    ),
    "\n",
    pairs([
      ["result", passed ? paint("green", "passed") : paint("red", `failed: ${faults.join("; ")}`)],
      ["report", file],
    ]),
  ].join("");
}

function cells({ p50, p90, p99, max }: Latency): string[] {
  return [p50, p90, p99, max].map(formatDuration);
}

import { reportName as datedName, readDated, writeDated } from "../dated-reports.ts";
import type { LoadReport } from "./report.ts";

const KIND = "loadtest";

/** `loadtest-20261124T193000Z.json`: names sort by time. */
export function reportName(at: string): string {
  return datedName(KIND, at);
}

/** Writes a report into a folder, which is made where it is missing; returns its path. Whole or not there. */
export function writeReport(folder: string, report: LoadReport): string {
  return writeDated(folder, KIND, report);
}

/** When, where and how the last load test of a stream ended; `null` when no report tells. Others' files are passed over. */
export function newestReport(
  folder: string,
  stream: string,
): { readonly at: number; readonly file: string; readonly passed: boolean } | null {
  for (const { file, report } of readDated<LoadReport>(folder, KIND))
    if (report.stream === stream) return { at: Date.parse(report.at), file, passed: report.passed };
  return null;
}

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadReport } from "./report.ts";

const NAME = /^loadtest-\d{8}T\d{6}Z\.json$/;

/** `loadtest-20261124T193000Z.json`: names sort by time. */
export function reportName(at: string): string {
  return `loadtest-${at.replace(/[-:]|\.\d+/g, "")}.json`;
}

/** Writes a report into a folder, which is made where it is missing; returns its path. Whole or not there. */
export function writeReport(folder: string, report: LoadReport): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, reportName(report.at));
  writeFileSync(`${path}.new`, `${JSON.stringify(report, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
  return path;
}

/** When, where and how the last load test of a stream ended; `null` when no report tells. Others' files are passed over. */
export function newestReport(
  folder: string,
  stream: string,
): { readonly at: number; readonly file: string; readonly passed: boolean } | null {
  for (const name of names(folder)) {
    const file = join(folder, name);
    const report = read(file);
    if (report === undefined || report.stream !== stream) continue;
    return { at: Date.parse(report.at), file, passed: report.passed };
  }
  return null;
}

/** Newest first. */
function names(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .sort()
      .reverse();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function read(file: string): LoadReport | undefined {
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as Partial<LoadReport>;
    return report.v === 1 && !Number.isNaN(Date.parse(report.at ?? "")) ? (report as LoadReport) : undefined;
  } catch {
    return undefined;
  }
}

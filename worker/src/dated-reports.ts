/** Reports as files whose names sort by time, such as `loadtest-20261124T193000Z.json`. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What every report says of itself. */
export interface DatedReport {
  readonly v: 1;
  /** ISO 8601 in UTC. */
  readonly at: string;
}

export function reportName(kind: string, at: string): string {
  return `${kind}-${at.replace(/[-:]|\.\d+/g, "")}.json`;
}

/** Writes a report into a folder, which is made where it is missing; returns its path. Whole or not there. */
export function writeDated(folder: string, kind: string, report: DatedReport): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, reportName(kind, report.at));
  writeFileSync(`${path}.new`, `${JSON.stringify(report, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
  return path;
}

/** The reports of a kind, newest first; others' files are passed over. None where there is no folder. */
export function* readDated<Report extends DatedReport>(
  folder: string,
  kind: string,
): Generator<{ readonly file: string; readonly report: Report }> {
  for (const name of names(folder, kind)) {
    const file = join(folder, name);
    const report = read<Report>(file);
    if (report !== undefined) yield { file, report };
  }
}

function names(folder: string, kind: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(`${kind}-`) && /-\d{8}T\d{6}Z\.json$/.test(name))
      .sort()
      .reverse();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function read<Report extends DatedReport>(file: string): Report | undefined {
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as Partial<DatedReport>;
    return report.v === 1 && !Number.isNaN(Date.parse(report.at ?? "")) ? (report as Report) : undefined;
  } catch {
    return undefined;
  }
}

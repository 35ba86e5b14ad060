import { table } from "../cli/output/table.ts";
import { oneLine, paint } from "../cli/output/terminal.ts";
import { CHECK_SOURCES, type Check, type CheckStatus, type Finding } from "./check.ts";
import type { Facts } from "./facts.ts";

export type Judged = Pick<Check, "id" | "title" | "source"> & Finding;

/** What `--json` prints. */
export interface DoctorReport {
  readonly v: 1;
  readonly at: number;
  readonly stream: string;
  /** Whether the exit code is 0. */
  readonly passed: boolean;
  readonly counts: Readonly<Record<CheckStatus, number>>;
  readonly checks: readonly Judged[];
}

/** Runs the checks over what was gathered. `strict`: a warning fails too. */
export function judge(
  checks: readonly Check[],
  facts: Facts,
  { stream, strict }: { readonly stream: string; readonly strict: boolean },
): DoctorReport {
  const judged = checks.map(({ id, title, source, run }) => ({ id, title, source, ...run(facts) }));
  const counts = { ok: 0, warn: 0, failed: 0, skipped: 0 };
  for (const { status } of judged) counts[status]++;
  const passed = counts.failed === 0 && !(strict && counts.warn > 0);
  return { v: 1, at: facts.now, stream, passed, counts, checks: judged };
}

const STYLES = { ok: "green", warn: "yellow", failed: "red", skipped: "dim" } as const;
const WIDTH = 400;

/** The report for people: a block for each list, and a last line of counts. */
export function showReport({ checks, counts }: DoctorReport): string {
  const blocks = CHECK_SOURCES.flatMap((source) => {
    const rows = checks.filter((check) => check.source === source).map(row);
    if (rows.length === 0) return [];
    return [
      `${paint("bold", title(source))}\n${table(["result", "id", "check", "what was found"], rows, { indent: "  " })}`,
    ];
  });
  const { ok, warn, failed, skipped } = counts;
  return `${blocks.join("\n")}\n${ok} ok, ${warn} warnings, ${failed} failed, ${skipped} skipped\n`;
}

function row(check: Judged): string[] {
  const way = "way_out" in check ? `\n→ ${oneLine(check.way_out, WIDTH)}` : "";
  return [
    paint(STYLES[check.status], check.status),
    check.id,
    check.title,
    oneLine(check.detail, WIDTH) + way,
  ];
}

function title(source: string): string {
  return source.charAt(0).toUpperCase() + source.slice(1);
}

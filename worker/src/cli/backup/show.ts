import type { Comparison } from "../../backup/compare.ts";
import { table } from "../output/table.ts";
import { paint } from "../output/terminal.ts";

/** What was restored beside what the manifest says. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ of, expected, found, same }) => [
    ...[of, expected, found],
    same ? paint("green", "same") : paint("red", "differs"),
  ]);
  return table(["of", "manifest", "restored", ""], rows);
}

/** Figures of a benchmark: several runs in, the median and the spread out. Pure but for `print`. */
import { percentile } from "../../components/cli/demo/summary.ts";

export interface Figure {
  readonly what: string;
  readonly unit: "ms" | "rows" | "MiB" | "tasks/s" | "bytes" | "s" | "µs" | "% of a core" | "x" | "%";
  /** What we want it to be at most (rates and ratios: at least); figures are compared by people, never by a test. */
  readonly aim?: number;
  readonly runs: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function figure(what: string, unit: Figure["unit"], values: readonly number[], aim?: number): Figure {
  return {
    what,
    unit,
    ...(aim === undefined ? {} : { aim }),
    runs: values.length,
    min: values.reduce((least, value) => Math.min(least, value), Infinity),
    p50: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    max: values.reduce((most, value) => Math.max(most, value), -Infinity),
  };
}

const shown = (value: number) => (value < 10 ? value.toFixed(1) : Math.round(value).toString());

/** Ratios of pairs that were measured one after the other. */
export function ratios(ours: readonly number[], others: readonly number[], scale = 1): number[] {
  return ours.map((value, i) => (scale * value) / (others[i] ?? Number.NaN));
}

/** A Markdown table, ready for `docs/benchmarks.md`. */
export function markdown(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, unit, aim, runs, min, p50, p99, max }) => {
    const cells = [what, String(runs), ...[min, p50, p99, max].map(shown), unit];
    return `| ${[...cells, aim === undefined ? "" : shown(aim)].join(" | ")} |`;
  });
  const head = "| what | runs | min | p50 | p99 | max | unit | aim |";
  return [head, "| --- | --- | --- | --- | --- | --- | --- | --- |", ...rows].join("\n");
}

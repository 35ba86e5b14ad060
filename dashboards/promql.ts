/** PromQL from metric definitions: a name or label that the contract does not have is a type error. */
import type { METRICS, MetricKey } from "../worker/contract/metrics.ts";
import type { EXTERNAL_METRICS, TARGET_LABELS } from "./external-metrics.ts";

type Metric = (typeof METRICS)[MetricKey] | (typeof EXTERNAL_METRICS)[keyof typeof EXTERNAL_METRICS];
type Histogram = Extract<Metric, { readonly type: "histogram" }>;
type TargetLabel = (typeof TARGET_LABELS)[number];
/** Every label of every metric, `le` for the buckets of histograms. */
export type Label = Metric["labels"][number] | TargetLabel | "le";

/** As `kind=~"a|b"`, without the label. */
export interface Matcher {
  readonly op: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}
export type Matchers<M extends Metric> = { readonly [L in M["labels"][number] | TargetLabel]?: Matcher };

export const equals = (value: string): Matcher => ({ op: "=", value });
export const differs = (value: string): Matcher => ({ op: "!=", value });
export const matches = (pattern: string): Matcher => ({ op: "=~", value: pattern });
export const oneOf = (...values: readonly string[]): Matcher => matches(values.join("|"));

/** The series of a metric. */
export function series<M extends Metric>(metric: M, matchers: Matchers<M> = {}): string {
  return select(metric.name, matchers);
}

/** One of the three series of a histogram. */
export function histogramSeries<M extends Histogram>(
  metric: M,
  part: "bucket" | "sum" | "count",
  matchers: Matchers<M> = {},
): string {
  return select(`${metric.name}_${part}`, matchers);
}

function select(name: string, matchers: Readonly<Record<string, Matcher | undefined>>): string {
  const parts = Object.entries(matchers).flatMap(([label, matcher]) =>
    matcher === undefined ? [] : `${label}${matcher.op}${JSON.stringify(matcher.value)}`,
  );
  return parts.length === 0 ? name : `${name}{${parts.join(",")}}`;
}

function aggregate(operator: "sum" | "max" | "min", by: readonly Label[], expr: string): string {
  return by.length === 0 ? `${operator}(${expr})` : `${operator} by (${by.join(", ")}) (${expr})`;
}

export const sum = (by: readonly Label[], expr: string): string => aggregate("sum", by, expr);
/** Of gauges that the leading spawner exposes: when another begins to lead, both are there for a scrape. */
export const max = (by: readonly Label[], expr: string): string => aggregate("max", by, expr);
export const min = (by: readonly Label[], expr: string): string => aggregate("min", by, expr);
export const rate = (selector: string, window: string): string => `rate(${selector}[${window}])`;
export const increase = (selector: string, window: string): string => `increase(${selector}[${window}])`;
export const quantile = (share: number, buckets: string): string =>
  `histogram_quantile(${share}, ${buckets})`;

/** A duration as PromQL writes it: `10m`, `90s`. */
export function duration(seconds: number): string {
  const units = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "m"],
  ] as const;
  const unit = units.find(([size]) => seconds > 0 && seconds % size === 0);
  return unit === undefined ? `${seconds}s` : `${seconds / unit[0]}${unit[1]}`;
}

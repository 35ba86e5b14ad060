import { attemptLabels, runtimeBucket } from "../../../contract/stats-fields.ts";
import type { SettleItem } from "./consumer.ts";

/** Tasks that count alike. */
type Group = [
  kind: string,
  labels: string,
  bucket: number,
  /** `handler:reason` of a failure, or "". */
  fail: string,
  count: number,
  /** All their run times. */
  ms: number,
];

/** What `settle.lua` counts: groups as a whole, and of each task what is its own, for the case that it is refused. */
export interface SettleCounts {
  readonly groups: readonly Group[];
  /** Place in `groups`, from 1. */
  readonly group: readonly number[];
  /** Run times. */
  readonly ms: readonly number[];
}

export function settleCounts(items: readonly SettleItem[]): SettleCounts {
  const groups: Group[] = [];
  const places = new Map<string, number>();
  const placeOf = ({ task, result, runtimeMs }: SettleItem): number => {
    const bucket = runtimeBucket(runtimeMs);
    const fail = result.error === undefined ? "" : `${task.kind}:${result.error.reason}`;
    const key = `${task.kind} ${result.status} ${bucket} ${fail}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    // A handler is named by its kind.
    groups.push([task.kind, attemptLabels(task.kind, task.kind, result.status), bucket, fail, 0, 0]);
    places.set(key, groups.length);
    return groups.length;
  };
  const group = items.map(placeOf);
  for (const [i, { runtimeMs }] of items.entries()) {
    const counted = groups[(group[i] ?? 0) - 1];
    if (counted === undefined) continue;
    counted[4]++;
    counted[5] += runtimeMs;
  }
  return { groups, group, ms: items.map(({ runtimeMs }) => runtimeMs) };
}

import { attemptLabels, runtimeBucket } from "../../../contract/stats-fields.ts";
import type { SettleItem } from "./consumer.ts";

/** What `settle.lua` counts: tasks that count alike are one group, and columns tell of each task what is its own. */
export interface SettleCounts {
  /** Kind, labels, histogram bucket, `handler:reason` of a failure or "". */
  readonly groups: readonly (readonly [kind: string, labels: string, bucket: number, fail: string])[];
  readonly deliveries: readonly number[];
  /** Place in `groups`, from 1. */
  readonly group: readonly number[];
  /** Run times. */
  readonly ms: readonly number[];
}

export function settleCounts(items: readonly SettleItem[]): SettleCounts {
  const groups: SettleCounts["groups"][number][] = [];
  const places = new Map<string, number>();
  const placeOf = ({ task, result, runtimeMs }: SettleItem): number => {
    const bucket = runtimeBucket(runtimeMs);
    const fail = result.error === undefined ? "" : `${task.kind}:${result.error.reason}`;
    const key = `${task.kind} ${result.status} ${bucket} ${fail}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    // A handler is named by its kind.
    groups.push([task.kind, attemptLabels(task.kind, task.kind, result.status), bucket, fail]);
    places.set(key, groups.length);
    return groups.length;
  };
  return {
    groups,
    deliveries: items.map(({ task }) => task.deliveryCount),
    group: items.map(placeOf),
    ms: items.map(({ runtimeMs }) => runtimeMs),
  };
}

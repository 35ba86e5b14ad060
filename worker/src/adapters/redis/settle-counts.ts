import type { PackedSettledGroup, PackedSettledTold } from "../../../contract/packed-events.ts";
import { attemptLabels, runtimeBucket } from "../../../contract/stats-fields.ts";
import type { SettleItem } from "./consumer.ts";
import { settledTold } from "./told.ts";

/** One that is being counted. */
type Group = [...PackedSettledGroup];

/** What `settle.lua` counts: groups as a whole, and of each task what is its own, for the case that it is refused. */
export interface SettleCounts {
  readonly groups: readonly PackedSettledGroup[];
  /** Place in `groups`, from 1. */
  readonly group: readonly number[];
  /** Run times. */
  readonly ms: readonly number[];
  /** For the record, where there is one. */
  readonly told?: PackedSettledTold;
}

export function settleCounts(items: readonly SettleItem[], recorded: boolean): SettleCounts {
  const groups: Group[] = [];
  const group: number[] = [];
  const ms: number[] = [];
  for (const { task, result, runtimeMs, unsaved } of items) {
    const bucket = runtimeBucket(runtimeMs);
    // A handler is named by its kind.
    const labels = attemptLabels(task.kind, task.kind, result.status);
    const fail = result.error === undefined ? "" : `${task.kind}:${result.error.reason}`;
    // There are few: one of a kind, a status and a bucket.
    let at = groups.findIndex(
      (one) => one[2] === bucket && one[1] === labels && one[3] === fail && one[6] === unsaved,
    );
    if (at === -1)
      at = groups.push([task.kind, labels, bucket, fail, 0, 0, ...(unsaved ? [unsaved] : [])] as Group) - 1;
    const counted = groups[at] as Group;
    counted[4]++;
    counted[5] += runtimeMs;
    group.push(at + 1);
    ms.push(runtimeMs);
  }
  return recorded ? { groups, group, ms, told: settledTold(items) } : { groups, group, ms };
}

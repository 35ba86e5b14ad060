/** What a worker tells the record of its tasks beside what the scripts need: pure, see `contract/packed-events.ts`. */
import type {
  PackedAnnouncement,
  PackedBegan,
  PackedFailures,
  PackedProgress,
  PackedSettledTold,
} from "../../../contract/packed-events.ts";
import { DEFAULT_PRIORITY } from "../../../contract/priorities.ts";
import { parseTraceParent } from "../../../contract/traceparent.ts";
import type { DeliveredTask } from "../../core/task.ts";
import type { Announcement, FailedItem, RetryItem, SettleItem } from "./consumer.ts";

/** "" stands for the default. */
function agentOf({ options }: DeliveredTask): string {
  return options.agentId ?? "";
}

function priorityOf({ options }: DeliveredTask): string {
  return options.priority === undefined || options.priority === DEFAULT_PRIORITY ? "" : options.priority;
}

/** Nothing of a task without a trace, so that it costs nothing. */
function traceOf({ options }: DeliveredTask): readonly [string?] {
  const trace = options.traceparent === undefined ? undefined : parseTraceParent(options.traceparent);
  return trace === undefined ? [] : [trace.traceId];
}

/** Values of the items that have any, by place from 1; absent for none. */
function sparse<Name extends string, Item, Value>(
  name: Name,
  items: readonly Item[],
  pick: (item: Item) => Value | undefined | "",
): { readonly [N in Name]?: Readonly<Record<string, Value>> } {
  const values: Record<string, Value> = {};
  let has = false;
  items.forEach((item, i) => {
    const value = pick(item);
    if (value === undefined || value === "") return;
    values[i + 1] = value;
    has = true;
  });
  return has ? ({ [name]: values } as { [N in Name]: Readonly<Record<string, Value>> }) : {};
}

/** Columns of results; all are one worker's. */
export function settledTold(items: readonly SettleItem[]): PackedSettledTold {
  const first = items[0]?.result;
  const versions: Record<string, string> = {};
  for (const { result } of items) versions[result.kind] = result.handler_version;
  return {
    w: first?.worker_id ?? "",
    tag: first?.image_tag ?? "",
    v: versions,
    attempts: items.map(({ result }) => result.attempts),
    enq: items.map(({ result }) => result.enqueued_at),
    start: items.map(({ result }) => result.started_at ?? null),
    end: items.map(({ result }) => result.finished_at),
    ...sparse("failed", items, ({ result }) => result.error),
    ...sparse("agent", items, ({ task }) => agentOf(task)),
    ...sparse("priority", items, ({ task }) => priorityOf(task)),
    ...sparse("trace", items, ({ task }) => traceOf(task)[0]),
  };
}

/** JSON of failed attempts. `change`: what the record is to show of the error. */
export function failuresTold(
  workerId: string,
  items: readonly (FailedItem | RetryItem)[],
  change: (message: string) => string = (message) => message,
): string {
  const told: PackedFailures = {
    w: workerId,
    rows: items.map((item) => {
      const { task, error, runtimeMs } = item;
      const { kind, attempts, deliveries, enqueuedAt } = task;
      const startedAt = Math.round(error.at - runtimeMs);
      const delayMs = "delayMs" in item ? Math.round(item.delayMs) : 0;
      return [
        ...([kind, attempts + 1, deliveries, enqueuedAt, startedAt, error.at, error.reason] as const),
        ...([change(error.message), delayMs, agentOf(task), priorityOf(task)] as const),
        ...traceOf(task),
      ];
    }),
  };
  return JSON.stringify(told);
}

/** JSON of what began among a call's tasks and how far others are; "" for nothing. */
export function announcementTold(
  workerId: string,
  tasks: readonly DeliveredTask[],
  announcement: Announcement,
): string {
  const began: PackedBegan[] = [];
  const progress: PackedProgress[] = [];
  tasks.forEach((task, i) => {
    const { id, kind, attempts, deliveries, enqueuedAt } = task;
    const startedAt = announcement.began.get(task);
    if (startedAt !== undefined) {
      const when = [attempts, deliveries, enqueuedAt, startedAt] as const;
      began.push([i + 1, id, kind, ...when, agentOf(task), priorityOf(task), ...traceOf(task)]);
    }
    const last = announcement.progress.get(task);
    if (last !== undefined) progress.push([i + 1, id, last.done, last.note]);
  });
  if (began.length === 0 && progress.length === 0) return "";
  return JSON.stringify({ w: workerId, began, progress } satisfies PackedAnnouncement);
}

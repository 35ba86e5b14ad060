import { ENTRY_VERSION } from "../../../contract/queue-keys.ts";
import type { AttemptError } from "../../../contract/records.ts";
import type { DeliveredTask, TaskOptions } from "../../core/task.ts";

/** A stream entry as a worker got it; `newer` marks a format that this worker does not know. */
export type ReadEntry =
  | { readonly newer: false; readonly task: DeliveredTask }
  | { readonly newer: true; readonly entryId: string; readonly id: string };

/** A group's first delivery; the queue never claims an entry twice, it adds a new one instead. */
export const FIRST_DELIVERY = 1;

/** Unpacks a stream entry. */
export function readEntry(stream: string, entryId: string, fields: readonly string[]): ReadEntry {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  const field = (name: string): string => values.get(name) ?? "";
  const id = field("id");
  if (Number(field("v")) > ENTRY_VERSION) return { newer: true, entryId, id };
  const options = field("options");
  const errors = field("errors");
  return {
    newer: false,
    task: {
      stream,
      entryId,
      deliveryCount: FIRST_DELIVERY,
      id,
      kind: field("kind"),
      payloadText: field("payload"),
      options: options === "" ? {} : (JSON.parse(options) as TaskOptions),
      enqueuedAt: Number(field("at")),
      attempts: Number(field("attempts")),
      deliveries: Number(field("deliveries")),
      errors: errors === "" ? [] : (JSON.parse(errors) as AttemptError[]),
    },
  };
}

import { ENTRY_VERSION } from "../../../contract/queue-keys.ts";
import type { AttemptError } from "../../../contract/records.ts";
import type { DeliveredTask, TaskOptions } from "../../core/task.ts";

/** A stream entry as a worker got it; `newer` marks a format that this worker does not know. */
export type ReadEntry =
  | { readonly newer: false; readonly task: DeliveredTask }
  | { readonly newer: true; readonly entryId: string; readonly id: string };

/** A group's first delivery; the queue never claims an entry twice, it adds a new one instead. */
export const FIRST_DELIVERY = 1;

/**
 * Unpacks a stream entry. What somebody added by hand is read too: it is known by its entry's id when it has none
 * of its own, shows all its fields as payload when it has none, and what is unreadable takes its first value.
 */
export function readEntry(stream: string, entryId: string, fields: readonly string[]): ReadEntry {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  const field = (name: string): string => values.get(name) ?? "";
  const id = field("id") || entryId;
  if (Number(field("v")) > ENTRY_VERSION) return { newer: true, entryId, id };
  const options = parseJson(field("options"));
  const errors = parseJson(field("errors"));
  return {
    newer: false,
    task: {
      stream,
      entryId,
      deliveryCount: FIRST_DELIVERY,
      id,
      kind: field("kind"),
      payloadText: field("payload") || JSON.stringify(fields),
      options: taskOptions(options),
      enqueuedAt: Number(field("at")) || 0,
      attempts: Number(field("attempts")) || 0,
      deliveries: Number(field("deliveries")) || 0,
      errors: Array.isArray(errors) ? (errors as AttemptError[]) : [],
    },
  };
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is no positive number is left out: the handler's or the fleet's value counts then. */
function taskOptions(value: unknown): TaskOptions {
  const { timeoutMs, maxAttempts } = (value ?? {}) as Record<string, unknown>;
  const fits = (limit: unknown): limit is number => typeof limit === "number" && limit > 0;
  return { ...(fits(timeoutMs) && { timeoutMs }), ...(fits(maxAttempts) && { maxAttempts }) };
}

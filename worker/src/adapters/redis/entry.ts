import { isPriority } from "../../../contract/priorities.ts";
import { ENTRY_VERSION } from "../../../contract/queue-keys.ts";
import type { AttemptError } from "../../../contract/records.ts";
import { isTraceParent, isTraceState } from "../../../contract/traceparent.ts";
import type { DeliveredTask, EntryPlace, TaskOptions } from "../../core/task.ts";
import { isTaskId } from "../../core/task-id.ts";

/** A stream entry as a worker got it; `newer` marks a format that this worker does not know. */
export type ReadEntry =
  | { readonly newer: false; readonly task: DeliveredTask }
  | { readonly newer: true; readonly task: EntryPlace & Pick<DeliveredTask, "id" | "deliveryCount"> };

/** A group's first delivery; the queue never claims an entry twice, it adds a new one instead. */
export const FIRST_DELIVERY = 1;

/** All that a task may say of itself beside id, kind and payload. */
type OtherFields = Readonly<Record<string, string>>;

const NO_OTHERS: OtherFields = {};
const NO_OPTIONS: TaskOptions = {};
const NO_ERRORS: readonly AttemptError[] = [];

/** The field that holds id, kind and payload of a task as one text. */
const TEXT_FIELD = "taskfleet";

/** Id and kind are words. */
export function taskText(id: string, kind: string, payloadText: string): string {
  return `${id} ${kind} ${payloadText}`;
}

/** What `take.lua` packed: `<entry>[ <JSON>]` and the task's text; the JSON is an object of further fields or, without a text, the list of all. */
export function readPackedEntry(
  from: Pick<EntryPlace, "stream" | "priority">,
  head: string,
  text: string,
): ReadEntry {
  const afterEntry = head.indexOf(" ");
  if (afterEntry === -1) return readText({ ...from, entryId: head }, text, NO_OTHERS);
  const place = { ...from, entryId: head.slice(0, afterEntry) };
  const fields = JSON.parse(head.slice(afterEntry + 1)) as OtherFields | readonly string[];
  return Array.isArray(fields) ? readFields(place, fields) : readText(place, text, fields as OtherFields);
}

/** Unpacks a stream entry. */
export function readEntry(place: EntryPlace, fields: readonly string[]): ReadEntry {
  const [name, text = "", ...others] = fields;
  return name === TEXT_FIELD ? readText(place, text, valuesOf(others)) : readFields(place, fields);
}

function readText(place: EntryPlace, text: string, others: OtherFields): ReadEntry {
  const afterId = text.indexOf(" ");
  const afterKind = text.indexOf(" ", afterId + 1);
  // Somebody has a field of that name.
  if (afterId < 1 || afterKind < afterId + 2 || afterKind === text.length - 1)
    return readFields(place, [TEXT_FIELD, text, ...Object.entries(others).flat()]);
  return known(
    place,
    text.slice(0, afterId),
    text.slice(afterId + 1, afterKind),
    text.slice(afterKind + 1),
    others,
  );
}

/**
 * What somebody added by hand is read too: it is known by its entry's id when it has none of its own, shows all its
 * fields as payload when it has none, and what is unreadable takes its first value.
 */
function readFields(place: EntryPlace, fields: readonly string[]): ReadEntry {
  const { id = "", kind = "", payload = "", ...others } = valuesOf(fields);
  return known(place, id || place.entryId, kind, payload || JSON.stringify(fields), others);
}

function valuesOf(fields: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) values[fields[i] ?? ""] ??= fields[i + 1] ?? "";
  return values;
}

function known(
  { stream, priority, entryId }: EntryPlace,
  id: string,
  kind: string,
  payloadText: string,
  others: OtherFields,
): ReadEntry {
  const isPlain = others === NO_OTHERS;
  const newer = !isPlain && Number(others.v) > ENTRY_VERSION;
  const deliveryCount = FIRST_DELIVERY;
  if (newer) return { newer, task: { stream, priority, entryId, deliveryCount, id } };
  const task: DeliveredTask = {
    stream,
    priority,
    entryId,
    deliveryCount,
    id,
    kind,
    payloadText,
    options: isPlain ? NO_OPTIONS : taskOptions(others.options),
    enqueuedAt: Number(others.at) || Number.parseInt(entryId, 10),
    attempts: Number(others.attempts) || 0,
    deliveries: Number(others.deliveries) || 0,
    errors: isPlain ? NO_ERRORS : attemptErrors(others.errors),
  };
  const prior = isPlain ? undefined : priorOf(others.prior);
  return { newer, task: prior === undefined ? task : { ...task, prior } };
}

function attemptErrors(text: string | undefined): readonly AttemptError[] {
  const errors = parseJson(text);
  return Array.isArray(errors) ? (errors as AttemptError[]) : NO_ERRORS;
}

const PRIOR = /^(retry|redelivery) (\d+-\d+)$/;

function priorOf(text: string | undefined): DeliveredTask["prior"] {
  if (text === undefined) return undefined;
  const [, why, entryId] = PRIOR.exec(text) ?? [];
  return entryId === undefined ? undefined : { entryId, why: why as "retry" | "redelivery" };
}

/** What is not of its form is left out: the handler's or the fleet's value counts then. */
function taskOptions(text: string | undefined): TaskOptions {
  const value = parseJson(text);
  if (value === undefined || value === null) return NO_OPTIONS;
  const { timeoutMs, maxAttempts, priority, agentId, traceparent, tracestate } = value as Record<
    string,
    unknown
  >;
  const fits = (limit: unknown): limit is number => typeof limit === "number" && limit > 0;
  return {
    ...(fits(timeoutMs) && { timeoutMs }),
    ...(fits(maxAttempts) && { maxAttempts }),
    ...(isPriority(priority) && { priority }),
    ...(isTaskId(agentId) && { agentId }),
    ...(isTraceParent(traceparent) && { traceparent, ...(isTraceState(tracestate) && { tracestate }) }),
  };
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

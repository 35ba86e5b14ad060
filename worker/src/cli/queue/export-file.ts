import { EXIT } from "../../../contract/exit-codes.ts";
import type { DeadLetter } from "../../../contract/records.ts";
import { isTaskId } from "../../core/task-id.ts";
import { parseJson } from "../input/parse-json.ts";
import { CliError } from "../report-error.ts";

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const amount: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const json: Check = (value) => typeof value === "string" && parseJson(value).problem === undefined;

/** What each field of a dead letter must be, and in words. */
const FIELDS: Readonly<Record<keyof DeadLetter, readonly [Check, string]>> = {
  v: [(value) => value === 1, "1, the only version there is"],
  id: [isTaskId, "1 to 128 characters of A-Z a-z 0-9 . _ : -"],
  kind: [(value) => typeof value === "string" && value !== "", "a text"],
  payload: [json, "JSON as a text"],
  options: [(value) => value === "" || json(value), "JSON as a text, or empty"],
  enqueued_at: [amount, "a time in ms"],
  attempts: [amount, "a whole number, 0 or more"],
  deliveries: [amount, "a whole number, 0 or more"],
  errors: [Array.isArray, "an array"],
  buried_at: [amount, "a time in ms"],
  message: [text, "a text"],
};

/** The dead letters of an export. Anything odd is refused with its place, before anything is requeued. */
export function parseExport(name: string, source: string): DeadLetter[] {
  const refuse = (reason: string) =>
    new CliError(
      `${name}: ${reason}; nothing was requeued`,
      EXIT.usage,
      "It must be what `queue dlq export` wrote.",
    );
  const parsed = parseJson(source);
  if (parsed.problem !== undefined) throw refuse(parsed.problem);
  const { v, tasks } = fieldsOf(parsed.value) ?? {};
  if (tasks === undefined || !Array.isArray(tasks))
    throw refuse("no export: an object with an array `tasks` is missing");
  if (v !== 1) throw refuse(`v: ${JSON.stringify(v) ?? "missing"}, but only version 1 is known`);
  return tasks.map((task: unknown, index) => {
    const fields = fieldsOf(task);
    if (fields === undefined) throw refuse(`tasks[${index}]: not an object`);
    for (const [field, [fits, wanted]] of Object.entries(FIELDS))
      if (!fits(fields[field]))
        throw refuse(`tasks[${index}].${field}: ${wanted}, not ${shown(fields[field])}`);
    return fields as unknown as DeadLetter;
  });
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Record<string, unknown>;
}

function shown(value: unknown): string {
  const full = JSON.stringify(value) ?? "missing";
  return full.length <= 60 ? full : `${full.slice(0, 57)}...`;
}

import { EXIT } from "../../../contract/exit-codes.ts";
import type { DeadLetter, DeadLetterExport } from "../../../contract/records.ts";
import { shorten } from "../../core/errors.ts";
import type { TaskOptions } from "../../core/task.ts";
import { isTaskId } from "../../core/task-id.ts";
import { parseJson } from "../input/parse-json.ts";
import { CliError } from "../report-error.ts";

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const amount: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const json: Check = (value) => typeof value === "string" && parseJson(value).problem === undefined;
const errors: Check = (value) =>
  Array.isArray(value) && value.every((error) => fieldsOf(error) !== undefined);

const OPTIONS: ReadonlySet<string> = new Set<keyof TaskOptions>(["timeoutMs", "maxAttempts"]);

/** What each field of a dead letter must be, and in words. */
const FIELDS: Readonly<Record<keyof DeadLetter, readonly [Check, string]>> = {
  v: [(value) => value === 1, "1, the only version there is"],
  id: [isTaskId, "1 to 128 characters of A-Z a-z 0-9 . _ : -"],
  kind: [(value) => typeof value === "string" && value !== "", "a text"],
  payload: [json, "JSON as a text"],
  options: [isOptions, "empty, or a JSON object as a text, with timeoutMs and maxAttempts at most"],
  enqueued_at: [amount, "a time in ms"],
  attempts: [amount, "a whole number, 0 or more"],
  deliveries: [amount, "a whole number, 0 or more"],
  errors: [errors, "an array of attempts' errors"],
  buried_at: [amount, "a time in ms"],
  message: [text, "a text"],
};

/** What an export holds. Anything odd is refused with its place, before anything is requeued. */
export function parseExport(name: string, source: string): Pick<DeadLetterExport, "stream" | "tasks"> {
  const refuse = (reason: string) =>
    new CliError(
      `${name}: ${reason}; nothing was requeued`,
      EXIT.usage,
      "It must be what `queue dlq export` wrote.",
    );
  const parsed = parseJson(source);
  if (parsed.problem !== undefined) throw refuse(parsed.problem);
  const { v, stream, tasks } = fieldsOf(parsed.value) ?? {};
  if (tasks === undefined || !Array.isArray(tasks))
    throw refuse("no export: an object with an array `tasks` is missing");
  if (v !== 1) throw refuse(`v: ${JSON.stringify(v) ?? "missing"}, but only version 1 is known`);
  if (typeof stream !== "string") throw refuse(`stream: the name of a stream, not ${shown(stream)}`);
  const letters = tasks.map((task: unknown, index) => {
    const fields = fieldsOf(task);
    if (fields === undefined) throw refuse(`tasks[${index}]: not an object`);
    for (const [field, [fits, wanted]] of Object.entries(FIELDS))
      if (!fits(fields[field]))
        throw refuse(`tasks[${index}].${field}: ${wanted}, not ${shown(fields[field])}`);
    return fields as unknown as DeadLetter;
  });
  return { stream, tasks: letters };
}

function isOptions(value: unknown): boolean {
  if (value === "") return true;
  if (typeof value !== "string") return false;
  const parsed = parseJson(value);
  const fields = parsed.problem === undefined ? fieldsOf(parsed.value) : undefined;
  return fields !== undefined && Object.entries(fields).every(isOption);
}

function isOption([name, value]: readonly [string, unknown]): boolean {
  return OPTIONS.has(name) && typeof value === "number" && value > 0;
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Record<string, unknown>;
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : shorten(value);
}

import { isPriority, PRIORITIES, type Priority } from "../../../contract/priorities.ts";
import { SETTINGS } from "../../../contract/settings.ts";
import type { NewTask } from "../../core/task.ts";
import { parseJson } from "./parse-json.ts";

/** Where a task stood, for messages: `line 3`, `task 2`, or nothing for a file of one task. */
export interface ReadTask {
  readonly place: string;
  readonly task: NewTask;
}

export interface TaskFile {
  readonly tasks: readonly ReadTask[];
  /** What is wrong, with its place; a file with any is not to be pushed. */
  readonly problems: readonly string[];
}

export type TaskFileFormat = "json" | "jsonl" | "detect";

/** Chosen by the file's name; standard input and other names are looked at. */
export function formatOf(fileName: string): TaskFileFormat {
  if (/\.json$/i.test(fileName)) return "json";
  return /\.(jsonl|ndjson)$/i.test(fileName) ? "jsonl" : "detect";
}

/**
 * Reads tasks: JSON (one task or an array) or JSON Lines (one task a line; empty lines are skipped).
 * A task is `{"kind", "payload"?, "id"?, "delay"?, "timeout"?, "max_attempts"?, "priority"?, "agent_id"?,
 * "traceparent"?, "tracestate"?}`, durations in seconds;
 * `kind` is what tasks without a kind of their own get.
 */
export function readTaskFile(text: string, format: TaskFileFormat, kind?: string): TaskFile {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const values = format === "jsonl" || (format === "detect" && !isDocument(body)) ? lines(body) : whole(body);
  const tasks: ReadTask[] = [];
  const problems: string[] = [];
  const firstPlace = new Map<string, string>();
  for (const { place, value, problem } of values) {
    const found = problem === undefined ? readTask(value, kind) : [problem];
    if (Array.isArray(found)) {
      problems.push(...found.map((reason) => (place === "" ? reason : `${place}: ${reason}`)));
      continue;
    }
    const first = found.id === undefined ? undefined : firstPlace.get(found.id);
    if (first !== undefined) problems.push(`${place}: id: "${found.id}" stands at ${first} already`);
    if (found.id !== undefined && first === undefined) firstPlace.set(found.id, place);
    tasks.push({ place, task: found });
  }
  if (values.length === 0) problems.push("no task in it");
  return { tasks, problems };
}

interface Placed {
  readonly place: string;
  readonly value?: unknown;
  readonly problem?: string | undefined;
}

function isDocument(text: string): boolean {
  return text.trimStart().startsWith("[") || parseJson(text).problem === undefined;
}

function lines(text: string): Placed[] {
  return text.split("\n").flatMap((line, index) => {
    const content = line.trim();
    return content === "" ? [] : [{ place: `line ${index + 1}`, ...parseJson(content) }];
  });
}

function whole(text: string): Placed[] {
  if (text.trim() === "") return [];
  const document: Placed = { place: "", ...parseJson(text) };
  if (!Array.isArray(document.value)) return [document];
  return document.value.map((value: unknown, index) => ({ place: `task ${index + 1}`, value }));
}

const TEXTS = ["id", "agent_id", "traceparent", "tracestate"] as const;
const FIELDS = ["kind", "payload", "delay", "timeout", "max_attempts", "priority", ...TEXTS];

/** The task, or what is wrong with it. */
function readTask(value: unknown, defaultKind: string | undefined): NewTask | string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [`a task is an object, not ${describe(value)}`];
  const fields = value as Record<string, unknown>;
  const unknown = Object.keys(fields).filter((name) => !FIELDS.includes(name));
  const problems = unknown.map((name) => `${name}: no such field; a task has ${FIELDS.join(", ")}`);
  const kind = fields.kind ?? defaultKind;
  if (kind === undefined) problems.push("kind: is missing");
  else if (typeof kind !== "string") problems.push(`kind: a text, not ${describe(kind)}`);
  for (const name of TEXTS)
    if (fields[name] !== undefined && typeof fields[name] !== "string")
      problems.push(`${name}: a text, not ${describe(fields[name])}`);
  checkSeconds("delay", fields.delay, 0, problems);
  checkSeconds("timeout", fields.timeout, 0.001, problems);
  checkAttempts(fields.max_attempts, problems);
  if (fields.priority !== undefined && !isPriority(fields.priority))
    problems.push(`priority: one of ${PRIORITIES.join(", ")}, not ${describe(fields.priority)}`);
  if (problems.length > 0) return problems;
  return {
    kind: kind as string,
    payload: fields.payload === undefined ? {} : fields.payload,
    ...(fields.id === undefined ? {} : { id: fields.id as string }),
    ...(fields.delay === undefined ? {} : { delayMs: toMs(fields.delay as number) }),
    ...(fields.timeout === undefined ? {} : { timeoutMs: toMs(fields.timeout as number) }),
    ...(fields.max_attempts === undefined ? {} : { maxAttempts: fields.max_attempts as number }),
    ...(fields.priority === undefined ? {} : { priority: fields.priority as Priority }),
    ...(fields.agent_id === undefined ? {} : { agentId: fields.agent_id as string }),
    ...(fields.traceparent === undefined ? {} : { traceparent: fields.traceparent as string }),
    ...(fields.tracestate === undefined ? {} : { tracestate: fields.tracestate as string }),
  };
}

function checkSeconds(name: string, value: unknown, min: number, problems: string[]): void {
  if (value === undefined) return;
  if (typeof value !== "number" || value < min)
    problems.push(`${name}: seconds, ${min} or more, not ${describe(value)}`);
}

function checkAttempts(value: unknown, problems: string[]): void {
  if (value === undefined) return;
  const { min, max } = SETTINGS.maxAttempts;
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    problems.push(`max_attempts: a whole number from ${min} to ${max}, not ${describe(value)}`);
}

/** Seconds as people write them, in whole ms. */
export function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return JSON.stringify(value);
}

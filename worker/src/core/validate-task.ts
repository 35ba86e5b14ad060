import type { ErrorObject, ValidateFunction } from "ajv";
import { isPriority, PRIORITIES } from "../../contract/priorities.ts";
import type { PublishedKind } from "../../contract/records.ts";
import { SETTINGS } from "../../contract/settings.ts";
import { isTraceParent, isTraceState } from "../../contract/traceparent.ts";
import {
  InvalidTaskError,
  PayloadTooLargeError,
  SecretInPayloadError,
  shorten,
  TaskfleetError,
  UnknownKindError,
} from "./errors.ts";
import { newAjv } from "./json-schema.ts";
import { SecretScanner } from "./secret-scan.ts";
import type { NewTask } from "./task.ts";
import { isTaskId, TASK_ID_PATTERN } from "./task-id.ts";

export interface TaskRules {
  /** The kinds that the fleet runs. */
  readonly kinds: Iterable<PublishedKind>;
  /** Cap on a payload's JSON text, in bytes. */
  readonly maxPayloadBytes: number;
  /** Whose secrets no payload may carry; usually `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Further values that no payload may carry; the same array for as long as they are the same. Default: none. */
  readonly secrets?: () => readonly string[];
}

/** The longest delay of a push: a year. */
export const MAX_DELAY_MS = 365 * 24 * 3_600_000;

const MOST_PROBLEMS = 10;
const FIELDS: ReadonlySet<string> = new Set<keyof NewTask>([
  "kind",
  "payload",
  "id",
  "delayMs",
  "timeoutMs",
  "maxAttempts",
  "priority",
  "agentId",
  "traceparent",
  "tracestate",
]);

interface Range {
  readonly field: "delayMs" | "timeoutMs" | "maxAttempts";
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
}

const RANGES: readonly Range[] = [
  { field: "delayMs", min: 0, max: MAX_DELAY_MS, integer: false },
  {
    field: "timeoutMs",
    min: SETTINGS.taskTimeout.min * 1000,
    max: SETTINGS.taskTimeout.max * 1000,
    integer: false,
  },
  { field: "maxAttempts", min: SETTINGS.maxAttempts.min, max: SETTINGS.maxAttempts.max, integer: true },
];

/**
 * Judges tasks before they are pushed, and again wherever they come in: fields, size, secrets, schema. Every
 * refusal is a `TaskRefusedError` that names the field. Each kind's schema is compiled once, when first used.
 */
export class TaskValidator {
  readonly #kinds: ReadonlyMap<string, PublishedKind>;
  readonly #compiled = new Map<string, ValidateFunction>();
  readonly #secrets: SecretScanner;
  readonly #maxPayloadBytes: number;
  readonly #ajv = newAjv();

  constructor({ kinds, maxPayloadBytes, environment, secrets }: TaskRules) {
    this.#kinds = new Map([...kinds].map((kind) => [kind.kind, kind]));
    this.#secrets = new SecretScanner(environment, secrets);
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /**
   * Checks a task as pushed; its type is not trusted, for it may come from a file. Throws `UnknownKindError`,
   * `InvalidTaskError`, `PayloadTooLargeError` or `SecretInPayloadError`. Returns the payload's JSON text.
   */
  check(task: NewTask): string {
    const problems = fieldProblems(task);
    const [first] = problems;
    if (first !== undefined) {
      throw new InvalidTaskError(
        "field",
        first.field,
        problems.map(({ text }) => text),
      );
    }
    const text = jsonText(task.payload);
    this.checkPayload(task.kind, task.payload, text);
    return text;
  }

  /** Checks a kind and its payload, whose JSON text is `text`. */
  checkPayload(kind: string, payload: unknown, text: string): void {
    if (!this.#kinds.has(kind)) throw new UnknownKindError(kind, [...this.#kinds.keys()]);
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#maxPayloadBytes) throw new PayloadTooLargeError(bytes, this.#maxPayloadBytes);
    // Before the schema, whose messages show values.
    const secret = this.#secrets.find(payload, text);
    if (secret !== undefined) throw new SecretInPayloadError(`payload${secret.path.slice(1)}`, secret.rule);
    this.#checkSchema(kind, payload);
  }

  #checkSchema(kind: string, payload: unknown): void {
    const validate = this.#validatorOf(kind);
    if (validate(payload)) return;
    const errors = validate.errors ?? [];
    const problems = errors.slice(0, MOST_PROBLEMS).map((error) => describe(error, payload));
    if (errors.length > MOST_PROBLEMS) problems.push(`and ${errors.length - MOST_PROBLEMS} further problems`);
    const [first] = errors;
    throw new InvalidTaskError("payload", first === undefined ? "payload" : fieldOf(first), problems);
  }

  #validatorOf(kind: string): ValidateFunction {
    const known = this.#compiled.get(kind);
    if (known !== undefined) return known;
    const schema = this.#kinds.get(kind)?.payload ?? {};
    try {
      const validate = this.#ajv.compile(schema);
      this.#compiled.set(kind, validate);
      return validate;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TaskfleetError(`kind ${kind}: its published payload schema is not valid: ${reason}`);
    }
  }
}

function jsonText(payload: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidTaskError("field", "payload", [`payload: is no JSON value: ${reason}`]);
  }
  if (text === undefined) throw new InvalidTaskError("field", "payload", ["payload: is missing"]);
  return text;
}

interface Problem {
  readonly field: string;
  readonly text: string;
}

function fieldProblems(task: NewTask): Problem[] {
  const problems: Problem[] = [];
  const report = (field: string, text: string) => problems.push({ field, text: `${field}: ${text}` });
  if (task.kind === undefined) report("kind", "is missing");
  else if (typeof task.kind !== "string" || task.kind === "")
    report("kind", `${shorten(task.kind)} is no kind; a name is needed`);
  for (const field of ["id", "agentId"] as const) {
    const value: unknown = task[field];
    if (value !== undefined && !isTaskId(value))
      report(field, `${shorten(value)} is no id; it must match ${TASK_ID_PATTERN.source}`);
  }
  if (task.priority !== undefined && !isPriority(task.priority))
    report("priority", `${shorten(task.priority)} is none; ${PRIORITIES.join(", ")} are`);
  if (task.traceparent !== undefined && !isTraceParent(task.traceparent))
    report(
      "traceparent",
      `${shorten(task.traceparent)} is none; 00-<trace id>-<span id>-<flags> is, in hex digits`,
    );
  if (task.tracestate !== undefined && !isTraceState(task.tracestate))
    report("tracestate", `${shorten(task.tracestate)} is none; 1 to 512 visible characters are`);
  for (const { field, min, max, integer } of RANGES) {
    const value: unknown = task[field];
    if (value === undefined) continue;
    const fits =
      typeof value === "number" && value >= min && value <= max && (!integer || Number.isInteger(value));
    const what = integer ? "a whole number" : "a number";
    if (!fits) report(field, `${shorten(value)} is not allowed; ${what} from ${min} to ${max} is`);
  }
  for (const field in task) {
    if (!FIELDS.has(field)) report(field, `no such field; there are ${[...FIELDS].join(", ")}`);
  }
  return problems;
}

/** `payload.files[0].name` for the value an error is about. */
function fieldOf(error: ErrorObject): string {
  const steps = error.instancePath.split("/").slice(1);
  const { missingProperty, additionalProperty } = error.params;
  if (typeof missingProperty === "string") steps.push(missingProperty);
  if (typeof additionalProperty === "string") steps.push(additionalProperty);
  return `payload${steps.map(pathStep).join("")}`;
}

function pathStep(step: string): string {
  const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
  return /^\d+$/.test(name) ? `[${name}]` : `.${name}`;
}

function describe(error: ErrorObject, payload: unknown): string {
  const field = fieldOf(error);
  const { allowedValues, allowedValue } = error.params;
  if (error.keyword === "required") return `${field}: is missing`;
  if (error.keyword === "additionalProperties") return `${field}: no such field`;
  const value = shorten(valueAt(payload, error.instancePath));
  if (Array.isArray(allowedValues))
    return `${field}: ${value} must be one of ${allowedValues.map(shorten).join(", ")}`;
  if (allowedValue !== undefined) return `${field}: ${value} must be ${shorten(allowedValue)}`;
  return `${field}: ${value} ${error.message ?? `breaks the rule ${error.keyword}`}`;
}

function valueAt(payload: unknown, pointer: string): unknown {
  let value = payload;
  for (const step of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return value;
}

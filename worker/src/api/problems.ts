/** Errors of the API as RFC 9457 wants them. Pure. */
import { PROBLEMS, type ProblemSlug, problemUrn } from "../../contract/api.ts";
import {
  QueueFullError,
  RedisUnavailableError,
  ResultUnreadableError,
  TaskRefusedError,
} from "../core/errors.ts";
import { MigrationsMissingError, StoreUnavailableError } from "../ports/activity-store.ts";

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

export interface ProblemDetails {
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** Further members of the body. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that a client is told as it is. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly slug: ProblemSlug;
  readonly details: ProblemDetails;
  constructor(slug: ProblemSlug, details: string | ProblemDetails) {
    const all = typeof details === "string" ? { detail: details } : details;
    super(all.detail);
    this.slug = slug;
    this.details = all;
  }

  get status(): number {
    return PROBLEMS[this.slug].status;
  }

  /** The body; `request` is the request's id, by which the log knows it. */
  body(request: string): object {
    const { status, title } = PROBLEMS[this.slug];
    const { detail, errors, more } = this.details;
    const own = errors === undefined ? {} : { errors };
    return { type: problemUrn(this.slug), title, status, detail, instance: request, ...own, ...more };
  }
}

/** What Fastify and its validation throw. */
interface FrameworkError {
  readonly code?: string;
  readonly statusCode?: number;
  readonly message: string;
  readonly validation?: readonly {
    readonly instancePath: string;
    readonly message?: string;
    readonly params?: Readonly<Record<string, unknown>>;
  }[];
  readonly validationContext?: string;
}

const RETRY_SOON = { "retry-after": "1" };

/** The problem that an error is; one that is nobody's fault but ours says nothing of itself. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TaskRefusedError) return refused(error);
  if (error instanceof QueueFullError)
    return unavailable("queue-full", "Redis is at its memory limit and takes no new tasks", error.enqueued);
  if (error instanceof RedisUnavailableError) {
    const detail =
      "the queue cannot be asked now; a push may be repeated with the same id or Idempotency-Key";
    return unavailable("redis-unavailable", detail, error.enqueued);
  }
  if (error instanceof ResultUnreadableError)
    return unavailable(
      "results-unavailable",
      "what tasks returned is kept in files that this API cannot read now",
      [],
    );
  if (error instanceof StoreUnavailableError || error instanceof MigrationsMissingError)
    return unavailable("database-unavailable", "the record of runs cannot be asked now", []);
  return (
    ofFramework(error as FrameworkError) ?? new Problem("internal", "see the API's log for this instance")
  );
}

/** A field, query parameter or header that is not what it may be. */
export function wrongField(field: string, message: string): Problem {
  return new Problem("invalid-request", { detail: `${field}: ${message}`, errors: [{ field, message }] });
}

/** `prefix` is put before the field, as in `tasks[3].`. */
export function refused({ reason, field, message }: TaskRefusedError, prefix = ""): Problem {
  const errors = [{ field: prefix + field, message }];
  return new Problem("task-refused", { detail: prefix + message, errors, more: { reason } });
}

function unavailable(slug: ProblemSlug, detail: string, enqueued: readonly string[]): Problem {
  const more = enqueued.length === 0 ? {} : { more: { enqueued } };
  return new Problem(slug, { detail, headers: RETRY_SOON, ...more });
}

function ofFramework(error: FrameworkError): Problem | undefined {
  const { code = "", statusCode = 500, validation, validationContext = "body" } = error;
  if (validation !== undefined) {
    const errors = validation.map((one) => ({
      field: fieldOf(one.instancePath, one.params) || validationContext,
      message: one.message ?? "is not allowed",
    }));
    const [first] = errors;
    return new Problem("invalid-request", { detail: `${first?.field}: ${first?.message}`, errors });
  }
  if (statusCode === 413) return new Problem("payload-too-large", "the body is over TASKFLEET_API_MAX_BODY");
  if (statusCode === 415) return new Problem("unsupported-media-type", "send application/json");
  if (code === "FST_ERR_CTP_EMPTY_JSON_BODY") return new Problem("invalid-request", "the body is empty");
  // The parser's own message shows a part of the body.
  if (statusCode === 400) return new Problem("invalid-request", "the request or its JSON cannot be read");
  if (statusCode === 404) return new Problem("not-found", "there is no such path");
  return undefined;
}

/** `tasks[3].delay` for `/tasks/3/delay`, with the field that is missing or too many. */
function fieldOf(pointer: string, params: Readonly<Record<string, unknown>> = {}): string {
  const steps = pointer.split("/").slice(1);
  for (const name of ["missingProperty", "additionalProperty"])
    if (typeof params[name] === "string") steps.push(params[name]);
  return steps
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
}

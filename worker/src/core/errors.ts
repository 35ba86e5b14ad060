/** Errors that callers tell apart. Messages name what was received, what is allowed and the way out. */

/** Base of every error that taskfleet throws on purpose. */
export class TaskfleetError extends Error {
  override readonly name: string = "TaskfleetError";
}

/** Redis does not answer. The address never carries a password. */
export class RedisUnavailableError extends TaskfleetError {
  override readonly name = "RedisUnavailableError";
  readonly address: string;
  readonly #why: string;
  /** Of an enqueue: ids known to be in. Others may be in too; pushing them again with their ids is safe. */
  readonly enqueued: readonly string[];
  constructor(address: string, reason: string, details: { cause?: unknown; enqueued?: readonly string[] }) {
    super(`cannot reach Redis at ${address}: ${reason}`, { cause: details.cause });
    this.address = address;
    this.#why = reason;
    this.enqueued = details.enqueued ?? [];
  }
  /** The same failure, of an enqueue that got these ids in. */
  withEnqueued(enqueued: readonly string[]): RedisUnavailableError {
    return new RedisUnavailableError(this.address, this.#why, { cause: this.cause, enqueued });
  }
}

/** Redis is at its memory limit: new tasks are refused, everything that ends tasks still works. */
export class QueueFullError extends TaskfleetError {
  override readonly name = "QueueFullError";
  readonly stream: string;
  /** Ids of the same call that are in; the others are not. */
  readonly enqueued: readonly string[];
  constructor(stream: string, details: { cause?: unknown; enqueued?: readonly string[] }) {
    super(
      `the queue ${stream} is full: Redis is at its memory limit (maxmemory) and takes no new tasks; ` +
        "wait for the workers, lower TASKFLEET_RESULT_TTL or raise the limit",
      { cause: details.cause },
    );
    this.stream = stream;
    this.enqueued = details.enqueued ?? [];
  }
}

/** What a push was refused for. */
export type RefusalReason = "kind" | "payload" | "secret" | "size" | "field";

/** A task that the queue does not take as it is. */
export class TaskRefusedError extends TaskfleetError {
  override readonly name: string = "TaskRefusedError";
  readonly reason: RefusalReason;
  /** Path of the field, such as `payload.env.TOKEN` or `delayMs`. */
  readonly field: string;
  constructor(reason: RefusalReason, field: string, message: string) {
    super(message);
    this.reason = reason;
    this.field = field;
  }
}

/** No handler of the fleet runs this kind. */
export class UnknownKindError extends TaskRefusedError {
  override readonly name = "UnknownKindError";
  readonly kind: string;
  constructor(kind: string, known: readonly string[]) {
    const way =
      known.length === 0
        ? "no kinds are published yet; is a spawner running?"
        : `known kinds: ${[...known].sort().join(", ")}`;
    super("kind", "kind", `kind: ${shorten(kind)} is no kind that this fleet runs; ${way}`);
    this.kind = kind;
  }
}

/** A field of the task, or the payload against its kind's schema, is wrong. */
export class InvalidTaskError extends TaskRefusedError {
  override readonly name = "InvalidTaskError";
  /** Every problem found, one line each. */
  readonly problems: readonly string[];
  constructor(reason: "payload" | "field", field: string, problems: readonly string[]) {
    super(reason, field, problems.join("; "));
    this.problems = problems;
  }
}

/** The payload's JSON text is over the cap. */
export class PayloadTooLargeError extends TaskRefusedError {
  override readonly name = "PayloadTooLargeError";
  constructor(bytes: number, maxBytes: number) {
    super(
      "size",
      "payload",
      `payload: ${bytes} bytes of JSON, at most ${maxBytes} are allowed; pass large data by reference or raise TASKFLEET_MAX_PAYLOAD_BYTES`,
    );
  }
}

/** The payload carries a secret; the message names field and rule, never the value. */
export class SecretInPayloadError extends TaskRefusedError {
  override readonly name = "SecretInPayloadError";
  readonly rule: string;
  constructor(field: string, rule: string) {
    super(
      "secret",
      field,
      `${field}: holds a secret (${rule}); payloads are stored and shown, so give secrets to the workers' environment instead`,
    );
    this.rule = rule;
  }
}

/** A value as an error shows it: JSON, at most 60 characters. */
export function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** What tasks returned is kept in files that this process cannot read. */
export class ResultUnreadableError extends TaskfleetError {
  override readonly name = "ResultUnreadableError";
  /** `where`: the folder of results, or the file's name where no folder is set. */
  constructor(id: string, where: string, cause: Error | null) {
    const why =
      cause === null
        ? `what task ${id} returned is kept in the file ${where}, and no folder of results is set here`
        : `what task ${id} returned cannot be read in ${where}: ${cause.message}`;
    super(
      `${why}; set TASKFLEET_RESULT_DIRECTORY (of a client: resultDirectory) to the workers' folder of results, or ask the API`,
      { cause },
    );
  }
}

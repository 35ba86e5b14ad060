/** What a client says in a session: JSON texts, checked like the bodies of requests. Pure. */
import { Ajv } from "ajv";
import { type Static, Type } from "typebox";
import { isSessionToken } from "../../core/session-token.ts";
import { Problem, problemOf } from "../problems.ts";
import { MOST_IDS, Task, TaskId } from "../schemas.ts";

const CLOSED = { additionalProperties: false } as const;
const Cursor = Type.String({ pattern: "^\\d{1,15}$" });
const Ref = Type.String({ minLength: 1, maxLength: 256 });
const Ids = Type.Array(TaskId, { minItems: 1, maxItems: MOST_IDS });
const named = { ref: Type.Optional(Ref) };

const SCHEMAS = {
  open: Type.Object({ type: Type.Literal("open") }, CLOSED),
  resume: Type.Object(
    { type: Type.Literal("resume"), token: Type.String(), after: Type.Optional(Cursor) },
    CLOSED,
  ),
  push: Type.Object(
    { type: Type.Literal("push"), ref: Ref, task: Task, follow: Type.Optional(Type.Boolean()) },
    CLOSED,
  ),
  follow: Type.Object({ type: Type.Literal("follow"), ...named, ids: Ids }, CLOSED),
  unfollow: Type.Object({ type: Type.Literal("unfollow"), ...named, ids: Ids }, CLOSED),
  cancel: Type.Object({ type: Type.Literal("cancel"), ...named, ids: Ids }, CLOSED),
  ack: Type.Object({ type: Type.Literal("ack"), cursor: Cursor }, CLOSED),
} as const;

type Name = keyof typeof SCHEMAS;
export type MessageOf<N extends Name> = Static<(typeof SCHEMAS)[N]>;
export type ClientMessage = { readonly [N in Name]: MessageOf<N> }[Name];

const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
const validators = new Map(Object.entries(SCHEMAS).map(([name, schema]) => [name, ajv.compile(schema)]));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words show a part of the message.
    throw new Problem("invalid-request", "the message is no JSON that can be read");
  }
}

/** The `ref` of a message that may be wrong in all else, for the answer. */
export function refIn(text: string): string | undefined {
  try {
    const { ref } = JSON.parse(text) as { ref?: unknown };
    return typeof ref === "string" ? ref.slice(0, 256) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a message. Throws a `Problem` for what is none. */
export function readMessage(text: string): ClientMessage {
  const value = parse(text);
  const { type } = (value ?? {}) as { type?: unknown };
  const validate = typeof type === "string" ? validators.get(type) : undefined;
  if (validate === undefined) {
    const message = `one of ${[...validators.keys()].join(", ")}`;
    throw new Problem("invalid-request", {
      detail: `type: ${message}`,
      errors: [{ field: "type", message }],
    });
  }
  if (!validate(value))
    throw problemOf({ message: "", validation: validate.errors ?? [], validationContext: "message" });
  const message = value as ClientMessage;
  if (message.type === "resume" && !isSessionToken(message.token)) {
    const errors = [{ field: "token", message: "is no token of a session" }];
    throw new Problem("invalid-request", { detail: "token: is no token of a session", errors });
  }
  return message;
}

/** Requests against their schemas: bodies as they are, queries and paths with numbers read from text. */
import { Ajv, type ValidateFunction } from "ajv";
import type { FastifySchema } from "fastify";

const RULES = { strict: false, validateFormats: false, logger: false } as const;
const bodies = new Ajv(RULES);
const texts = new Ajv({ ...RULES, coerceTypes: true, useDefaults: true });

interface Part {
  readonly schema: FastifySchema | unknown;
  readonly httpPart?: string | undefined;
}

/** Fastify's validator compiler. A body with several forms is judged by the one that its fields speak for. */
export function compileSchema({ schema, httpPart }: Part) {
  if (httpPart !== "body") return texts.compile(schema as object);
  const { anyOf } = schema as { anyOf?: readonly object[] };
  const [single, batch] = (anyOf ?? []).map((one) => bodies.compile(one));
  if (single === undefined || batch === undefined) return bodies.compile(schema as object);
  const judge = (data: unknown) => (isBatch(data) ? tried(batch, data) : tried(single, data));
  return (data: unknown) => judge(data);
}

function tried(validate: ValidateFunction, data: unknown) {
  return validate(data) ? { value: data } : { error: (validate.errors ?? []) as unknown as Error };
}

function isBatch(data: unknown): boolean {
  return typeof data === "object" && data !== null && Object.hasOwn(data, "tasks");
}

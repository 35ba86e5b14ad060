/** What a task of the kind `http` says, and the request that it means. */
import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Static } from "typebox";
import { PermanentError, Type } from "../../handler.ts";
import { ENCODINGS } from "./read-body.ts";
import type { HttpRequest } from "./redirect.ts";

/** What one response may hold where its payload does not say: 1 MiB. */
const DEFAULT_RESPONSE_BYTES = 1024 * 1024;
/** The most that a payload may ask for: 16 MiB. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_REDIRECTS = 5;

export const HttpPayload = Type.Object(
  {
    url: Type.String({ maxLength: 8192, description: "An https URL without user or password." }),
    method: Type.Optional(
      Type.Enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], {
        description: "Default: GET.",
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: "Header fields by name." }),
    ),
    body: Type.Optional(Type.String({ description: "The body, as text." })),
    bodyBase64: Type.Optional(
      Type.String({ pattern: "^[A-Za-z0-9+/]*={0,2}$", description: "The body, as base64 of the bytes." }),
    ),
    json: Type.Optional(Type.Unknown({ description: "The body, as a JSON value." })),
    okStatuses: Type.Optional(
      Type.Array(Type.Integer({ minimum: 200, maximum: 599 }), {
        description: "Statuses beside 200 to 299 that are a success.",
      }),
    ),
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_147_483_647,
        description: "Limit of one run, redirects and body included, in ms; default 30,000.",
      }),
    ),
    maxResponseBytes: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_RESPONSE_BYTES,
        description: "Most bytes of the decoded body; default 1 MiB.",
      }),
    ),
    maxRedirects: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 20, description: "Default 5; with 0 a redirect is an answer." }),
    ),
  },
  { additionalProperties: false },
);

export type HttpTask = Static<typeof HttpPayload>;

/** Those that frame a message or belong to a connection are the client's own to set. */
const OWN_HEADERS =
  /^(host|content-length|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/;

function refuse(message: string): never {
  throw new PermanentError(`http: ${message}`, { reason: "payload" });
}

function checkHeader(name: string, value: string): void {
  if (OWN_HEADERS.test(name)) refuse(`headers: ${name} is set by the handler itself; leave it out`);
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch (error) {
    refuse(`headers: ${JSON.stringify(name)} is no header: ${(error as Error).message}`);
  }
}

function bodyOf({ body, bodyBase64, json }: HttpTask): Buffer | null {
  const given = [body, bodyBase64, json].filter((one) => one !== undefined);
  if (given.length > 1) refuse("body, bodyBase64 and json: give one of them");
  if (body !== undefined) return Buffer.from(body, "utf8");
  if (bodyBase64 !== undefined) return Buffer.from(bodyBase64, "base64");
  return json === undefined ? null : Buffer.from(JSON.stringify(json), "utf8");
}

/**
 * The request that a task means.
 * @throws PermanentError of the reason `payload` for what no schema says.
 */
export function requestOf(task: HttpTask): HttpRequest {
  const { method = "GET" } = task;
  if (!URL.canParse(task.url)) refuse("url is no absolute URL; expected https://host/path");
  const body = bodyOf(task);
  if (body !== null && (method === "GET" || method === "HEAD")) {
    refuse(`a ${method} has no body; leave it out, or name another method`);
  }
  const headers: Record<string, string> = { "user-agent": "taskfleet", "accept-encoding": ENCODINGS };
  if (task.json !== undefined) headers["content-type"] = "application/json";
  for (const [written, value] of Object.entries(task.headers ?? {})) {
    const name = written.toLowerCase();
    checkHeader(name, value);
    headers[name] = value;
  }
  return { method, url: new URL(task.url), headers, body };
}

/** A task's limits, with the defaults for what it leaves out. */
export function limitsOf(task: HttpTask) {
  return {
    timeoutMs: task.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxResponseBytes: task.maxResponseBytes ?? DEFAULT_RESPONSE_BYTES,
    maxRedirects: task.maxRedirects ?? DEFAULT_REDIRECTS,
  };
}

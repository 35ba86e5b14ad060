/** What becomes of a response. Pure. */
import { PermanentError, RetryLaterError } from "../../handler.ts";
import { encodeBytes } from "../execute/bounded-output.ts";
import type { HttpResponse } from "./exchange.ts";
import type { HttpRequest } from "./redirect.ts";

/** The output of an `http` task, also of one that failed with a response. */
export interface HttpOutput {
  readonly status: number;
  /** By name in lower case; only `set-cookie` is a list. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  readonly bodyEncoding: "utf8" | "base64";
  /** Whether the body was longer than its cap. */
  readonly truncated: boolean;
  /** Where the response came from, after redirects. */
  readonly url: string;
  readonly redirects: number;
}

/** The service is down or behind: another run can help. */
const DOWN = [502, 503, 504];
const TOO_MANY = 429;

function named({ method, url }: HttpRequest, status: number): string {
  // Without the query, which may hold what no log should.
  return `http: ${method} ${url.origin}${url.pathname} was answered with status ${status}`;
}

/** Value of a `retry-after` header in ms from `nowMs`: seconds, or a date; 0 for none. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return ms > 0 ? ms : 0;
}

/** Whether this status is the service's own failure, which counts for its circuit. */
export function isDown(status: number): boolean {
  return DOWN.includes(status);
}

/** The error of a status that another run may change. */
export function later(
  request: HttpRequest,
  { status, headers }: HttpResponse,
  nowMs: number,
): RetryLaterError {
  const asked = retryAfterMs(headers["retry-after"], nowMs);
  return new RetryLaterError(named(request, status), { retryAfterMs: asked });
}

/**
 * The output of a response that is a success; `ok`: statuses beside 2xx that are.
 * @throws PermanentError with the output for any other, RetryLaterError for a 429.
 */
export function judge(
  request: HttpRequest,
  response: HttpResponse,
  given: { readonly ok: readonly number[]; readonly redirects: number; readonly nowMs: number },
): HttpOutput {
  const { status, headers, bytes, truncated } = response;
  const { text, encoding } = encodeBytes(bytes);
  const { href: url } = request.url;
  const { redirects } = given;
  const output = { status, headers, body: text, bodyEncoding: encoding, truncated, url, redirects };
  const success = (status >= 200 && status < 300) || given.ok.includes(status);
  if (!success && status === TOO_MANY) throw later(request, response, given.nowMs);
  if (!success) throw new PermanentError(named(request, status), { output });
  if (!truncated) return output;
  throw new PermanentError("http: the body is longer than maxResponseBytes", { reason: "output", output });
}

/** Connections below the routes: how patient the server is, and what it answers to what is no request. */
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { Problem } from "./problems.ts";
import { answerRaw } from "./raw-answer.ts";

/** How long a client may take, in ms. */
export interface ConnectionLimits {
  /** To send a request's header fields. */
  readonly headersMs: number;
  /** To send the whole request. */
  readonly requestMs: number;
  /** Between two looks at who took longer. */
  readonly checkMs: number;
}

export const LIMITS: ConnectionLimits = { headersMs: 10_000, requestMs: 60_000, checkMs: 2_000 };
/** Most of a request's header fields together. */
export const MAX_HEADERS_KIB = 16;

function problemOfConnection(code: string | undefined): Problem {
  if (code === "HPE_HEADER_OVERFLOW")
    return new Problem(
      "headers-too-large",
      `the header fields of the request are over ${MAX_HEADERS_KIB} KiB`,
    );
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new Problem("request-timeout", "the request did not come to its end in time");
  return new Problem("invalid-request", "the request is no HTTP that can be read");
}

/** What is no HTTP at all gets its answer without a request. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  answerRaw(socket, problemOfConnection(error.code), randomUUID());
}

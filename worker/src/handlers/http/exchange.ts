import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { PermanentError } from "../../handler.ts";
import { type Body, readBody } from "./read-body.ts";
import type { HttpRequest } from "./redirect.ts";

export interface ExchangeOptions {
  readonly lookup: LookupFunction;
  /** Certificates in PEM form to trust instead of the system's own. */
  readonly ca?: readonly string[];
  readonly signal: AbortSignal;
  readonly maxResponseBytes: number;
}

export interface HttpResponse extends Body {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** For name, connection and TLS together. */
const CONNECT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
const WITHOUT_BODY = [204, 304];

/** A connection for one exchange: what was checked when it was made holds for all that goes over it. */
const AGENTS = { plain: new PlainAgent({ keepAlive: false }), secure: new SecureAgent({ keepAlive: false }) };

function explain(error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== "HPE_HEADER_OVERFLOW") return error;
  const message = `http: the response has more than ${MAX_HEADER_BYTES} bytes of headers`;
  return new PermanentError(message, { reason: "output", cause: error });
}

function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve).once("error", reject);
    request.once("close", () => reject(new Error("the connection was closed without a response")));
  });
}

/** Sends one request and reads its response. Rejects when there is no whole response. */
export async function exchange(asked: HttpRequest, options: ExchangeOptions): Promise<HttpResponse> {
  const { url, method, headers, body } = asked;
  const { lookup, ca, signal, maxResponseBytes } = options;
  const secure = url.protocol === "https:";
  const common = { method, headers, lookup, signal, maxHeaderSize: MAX_HEADER_BYTES };
  const request = secure
    ? secureRequest(url, { ...common, agent: AGENTS.secure, ...(ca && { ca: [...ca] }) })
    : plainRequest(url, { ...common, agent: AGENTS.plain });
  const slow = new Error(`no connection to ${url.host} within ${CONNECT_MS / 1000} s`);
  const connecting = setTimeout(() => request.destroy(slow), CONNECT_MS);
  request.once("socket", (socket) =>
    socket.once(secure ? "secureConnect" : "connect", () => clearTimeout(connecting)),
  );
  // What fails after the response has begun is the body reader's to throw.
  request.on("error", () => {});
  try {
    const answered = responseTo(request);
    request.end(body ?? undefined);
    const response = await answered;
    const status = response.statusCode ?? 0;
    const empty = method === "HEAD" || WITHOUT_BODY.includes(status);
    return { status, headers: response.headers, ...(await readBody(response, maxResponseBytes, empty)) };
  } catch (error) {
    throw explain(error);
  } finally {
    clearTimeout(connecting);
    request.destroy();
  }
}

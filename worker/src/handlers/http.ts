/**
 * The bundled kind `http`: one request to a service outside, by HTTPS to public addresses alone unless the fleet allows
 * a host by name. Redirects are followed and checked like the first request. A circuit breaker for each origin.
 */
import type { LookupFunction } from "node:net";
import {
  defineHandler,
  type Handler,
  PermanentError,
  RetryLaterError,
  type TaskContext,
} from "../handler.ts";
import { Destinations } from "./http/destinations.ts";
import { exchange, type HttpResponse } from "./http/exchange.ts";
import { type HttpOutput, isDown, judge, later } from "./http/judge.ts";
import { HttpPayload, type HttpTask, limitsOf, requestOf } from "./http/payload.ts";
import { type HttpRequest, redirected } from "./http/redirect.ts";

export interface HttpHandlerOptions {
  /** `host` or `host:port`: may be called without TLS, and at addresses that are not public. */
  readonly allow: readonly string[];
  /** How names are resolved; default: the system's way. */
  readonly lookup?: LookupFunction;
  /** Certificates in PEM form to trust instead of the system's own. */
  readonly ca?: readonly string[];
}

/** One task's requests, from the first to the last redirect. */
class Journey {
  readonly #task: HttpTask;
  readonly #context: TaskContext;
  readonly #options: HttpHandlerOptions;
  readonly #destinations: Destinations;
  readonly #ok: readonly number[];
  readonly #limit: AbortSignal;

  constructor(task: HttpTask, context: TaskContext, options: HttpHandlerOptions, destinations: Destinations) {
    this.#task = task;
    this.#context = context;
    this.#options = options;
    this.#destinations = destinations;
    this.#ok = task.okStatuses ?? [];
    this.#limit = AbortSignal.timeout(limitsOf(task).timeoutMs);
  }

  async end(): Promise<HttpOutput> {
    const { maxRedirects } = limitsOf(this.#task);
    let request = traced(requestOf(this.#task), this.#context.traceparent);
    for (let redirects = 0; ; redirects++) {
      const response = await this.#call(request);
      const location = maxRedirects === 0 ? undefined : response.headers.location;
      const next = redirected(request, response.status, location);
      if (next === undefined) return judge(request, response, { ok: this.#ok, redirects, nowMs: Date.now() });
      if (redirects === maxRedirects) {
        throw new PermanentError(
          `http: more than ${maxRedirects} redirects; the last one is to ${next.url.host}`,
        );
      }
      request = next;
    }
  }

  async #call(request: HttpRequest): Promise<HttpResponse> {
    this.#destinations.check(request.url);
    return this.#context.circuit(request.url.origin).run(async () => {
      const response = await this.#exchange(request);
      const down = isDown(response.status) && !this.#ok.includes(response.status);
      if (down) throw later(request, response, Date.now());
      return response;
    });
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const { ca } = this.#options;
    const { timeoutMs, maxResponseBytes } = limitsOf(this.#task);
    try {
      return await exchange(request, {
        lookup: this.#destinations.lookupFor(request.url),
        ...(ca === undefined ? {} : { ca }),
        signal: AbortSignal.any([this.#context.signal, this.#limit]),
        maxResponseBytes,
      });
    } catch (error) {
      if (!this.#limit.aborted || this.#context.signal.aborted) throw error;
      const message = `http: no whole response of ${request.url.host} within ${timeoutMs} ms`;
      throw new RetryLaterError(message, { reason: "timeout", retryAfterMs: 0, cause: error });
    }
  }
}

/** What the task sets itself stays. */
function traced(request: HttpRequest, traceparent: string | undefined): HttpRequest {
  if (traceparent === undefined) return request;
  return { ...request, headers: { traceparent, ...request.headers } };
}

/** The handler, for a fleet that allows these hosts by name. */
export function httpHandler(options: HttpHandlerOptions): Handler<typeof HttpPayload> {
  const destinations = new Destinations(options.allow, options.lookup);
  return defineHandler({
    kind: "http",
    version: "1.0.0",
    description: "Sends a request to a service outside and returns its response.",
    payload: HttpPayload,
    run: (task, context): Promise<HttpOutput> => new Journey(task, context, options, destinations).end(),
  });
}

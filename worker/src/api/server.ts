/** The API's HTTP server: Fastify with our logger, our errors and our routes. */
import { randomUUID } from "node:crypto";
import swagger from "@fastify/swagger";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { PROBLEM_TYPE } from "../../contract/api.ts";
import type { RequestSpan } from "../tracing/tracing.ts";
import { Gate } from "./auth.ts";
import { type ConnectionLimits, LIMITS, MAX_HEADERS_KIB, refuseConnection } from "./connections.ts";
import { API_EVENTS } from "./events.ts";
import { refuseOtherMethods } from "./methods.ts";
import { openApi } from "./openapi.ts";
import { addPage } from "./page.ts";
import type { ApiParts } from "./parts.ts";
import { Problem, problemOf } from "./problems.ts";
import { addDeadLetterRoutes } from "./routes/dead-letters.ts";
import { addHealthRoutes } from "./routes/health.ts";
import { addPurgeRoutes } from "./routes/purge.ts";
import { addQueueRoutes } from "./routes/queue.ts";
import { addResultRoutes } from "./routes/results.ts";
import { addRunRoutes } from "./routes/runs.ts";
import { addSessionRoute } from "./routes/session.ts";
import { addTaskRoutes } from "./routes/tasks.ts";
import { addWorkerRoutes } from "./routes/workers.ts";
import { isSessionRequest, SessionServer } from "./sessions/upgrade.ts";
import { compileSchema } from "./validation.ts";

/** Longer than any id that routes take, so that it is they who say what is wrong. */
const MAX_PARAMETER = 1_024;

export type Api = Awaited<ReturnType<typeof buildApi>>;

/** What every answer tells browsers. */
const SAFE_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

function sendProblem(parts: ApiParts, error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const problem = problemOf(error);
  if (problem.slug === "internal")
    parts.logger.error({ request: request.id, exception: error, ...request.span?.ids }, API_EVENTS.failed);
  reply.status(problem.status).headers({ ...SAFE_HEADERS, ...problem.details.headers });
  const body = parts.redact(JSON.stringify(problem.body(request.id)));
  return reply.type(PROBLEM_TYPE).serializer(String).send(body);
}

function begin({ tracing }: ApiParts, { method, url, headers }: FastifyRequest): RequestSpan {
  const text = (header: string | string[] | undefined) => (typeof header === "string" ? header : undefined);
  const parent = { traceparent: text(headers.traceparent), tracestate: text(headers.tracestate) };
  return tracing.requests.began(method, url.replace(/\?.*/s, ""), parent);
}

function create(parts: ApiParts, { headersMs, requestMs, checkMs }: ConnectionLimits) {
  const { settings, logger } = parts;
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // Requests are logged by the hook below, with their key's id.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: settings.apiMaxBody,
    trustProxy: settings.apiTrustProxy.length === 0 ? false : [...settings.apiTrustProxy],
    requestTimeout: requestMs,
    http: {
      ...{ headersTimeout: headersMs, connectionsCheckingInterval: checkMs },
      shouldUpgradeCallback: isSessionRequest,
      maxHeaderSize: MAX_HEADERS_KIB * 1024,
    },
    routerOptions: { maxParamLength: MAX_PARAMETER },
    return503OnClosing: false,
    forceCloseConnections: "idle",
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => sendProblem(parts, error, request, reply),
  });
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(compileSchema);
  // What answers hold is documented and tested, not filtered: records of other versions pass as they are.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(parts, error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      parts,
      new Problem("not-found", "there is no such path; GET /openapi.json lists them"),
      request,
      reply,
    ),
  );
  return app;
}

export type Server = ReturnType<typeof create>;

/** The API, not yet listening. `parts.stopping` ends waits. */
export async function buildApi(parts: ApiParts, limits: ConnectionLimits = LIMITS) {
  const app = create(parts, limits);
  const gate = new Gate(parts);
  app.decorateRequest("owner", null);
  app.decorateRequest("queue", null);
  app.decorateRequest("span", null);
  app.addHook("onRequest", async (request, reply) => {
    request.span = begin(parts, request);
    reply.headers(SAFE_HEADERS);
    await gate.admit(request, reply);
  });
  // A kept connection whose request ends after the stop began would hold it up.
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (parts.stopping.aborted) reply.header("connection", "close");
    done(null, payload);
  });
  app.addHook("onResponse", async (request, reply) => {
    const { url: route = "" } = request.routeOptions;
    const { method, id, owner, span } = request;
    const seconds = reply.elapsedTime / 1000;
    parts.metrics.answered({ route, method, status: reply.statusCode, seconds });
    if (route.startsWith("/health")) return;
    span?.end(reply.statusCode, route);
    const ms = Math.round(reply.elapsedTime);
    const fields = { request: id, method, route, status: reply.statusCode, ms, key: owner?.id ?? null };
    parts.logger.info({ ...fields, ...span?.ids }, API_EVENTS.request);
  });
  await app.register(swagger, openApi());
  const refuse = refuseOtherMethods(app);
  addHealthRoutes(app, parts);
  addTaskRoutes(app, parts);
  addResultRoutes(app, parts);
  addRunRoutes(app, parts);
  addQueueRoutes(app, parts);
  addDeadLetterRoutes(app, parts);
  addPurgeRoutes(app, parts);
  addWorkerRoutes(app, parts);
  addSessionRoute(app);
  new SessionServer(parts, gate).attach(app);
  await addPage(app);
  refuse();
  return app;
}

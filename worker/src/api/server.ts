/** The API's HTTP server: Fastify with our logger, our errors and our routes. */
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import swagger from "@fastify/swagger";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { PROBLEM_TYPE } from "../../contract/api.ts";
import { Gate } from "./auth.ts";
import { API_EVENTS } from "./events.ts";
import { refuseOtherMethods } from "./methods.ts";
import { openApi } from "./openapi.ts";
import { addPage } from "./page.ts";
import type { ApiParts } from "./parts.ts";
import { Problem, problemOf } from "./problems.ts";
import { addDeadLetterRoutes } from "./routes/dead-letters.ts";
import { addHealthRoutes } from "./routes/health.ts";
import { addQueueRoutes } from "./routes/queue.ts";
import { addResultRoutes } from "./routes/results.ts";
import { addRunRoutes } from "./routes/runs.ts";
import { addSessionRoute } from "./routes/session.ts";
import { addTaskRoutes } from "./routes/tasks.ts";
import { addWorkerRoutes } from "./routes/workers.ts";
import { isSessionRequest, SessionServer } from "./sessions/upgrade.ts";
import { compileSchema } from "./validation.ts";

const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

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
    parts.logger.error({ request: request.id, exception: error }, API_EVENTS.failed);
  reply.status(problem.status).headers({ ...SAFE_HEADERS, ...problem.details.headers });
  const body = parts.redact(JSON.stringify(problem.body(request.id)));
  return reply.type(PROBLEM_TYPE).serializer(String).send(body);
}

/** What is no HTTP at all gets its answer without a request. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const slug = error.code === "HPE_HEADER_OVERFLOW" ? "headers-too-large" : "invalid-request";
  const problem = new Problem(slug, "the request is no HTTP that can be read");
  const body = JSON.stringify(problem.body(randomUUID()));
  const head = `HTTP/1.1 ${problem.status} Refused\r\ncontent-type: ${PROBLEM_TYPE}\r\nconnection: close`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function create(parts: ApiParts) {
  const { settings, logger } = parts;
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // Requests are logged by the hook below, with their key's id.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: settings.apiMaxBody,
    trustProxy: settings.apiTrustProxy.length === 0 ? false : [...settings.apiTrustProxy],
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: HEADERS_MS, shouldUpgradeCallback: isSessionRequest },
    return503OnClosing: false,
    forceCloseConnections: "idle",
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => sendProblem(parts, error, request, reply),
  });
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(compileSchema);
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
export async function buildApi(parts: ApiParts) {
  const app = create(parts);
  const gate = new Gate(parts);
  app.decorateRequest("owner", null);
  app.decorateRequest("queue", null);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(SAFE_HEADERS);
    await gate.admit(request, reply);
  });
  app.addHook("onResponse", async (request, reply) => {
    const { url: route = "" } = request.routeOptions;
    if (route.startsWith("/health")) return;
    const { method, id, owner } = request;
    const ms = Math.round(reply.elapsedTime);
    const fields = { request: id, method, route, status: reply.statusCode, ms, key: owner?.id ?? null };
    parts.logger.info(fields, API_EVENTS.request);
  });
  await app.register(swagger, openApi());
  const refuse = refuseOtherMethods(app);
  addHealthRoutes(app, parts);
  addTaskRoutes(app, parts);
  addResultRoutes(app, parts);
  addRunRoutes(app, parts);
  addQueueRoutes(app, parts);
  addDeadLetterRoutes(app, parts);
  addWorkerRoutes(app, parts);
  addSessionRoute(app);
  new SessionServer(parts, gate).attach(app);
  await addPage(app);
  refuse();
  return app;
}

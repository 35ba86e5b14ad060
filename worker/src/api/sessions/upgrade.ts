/** `GET /api/session`: takes requests for an upgrade to WebSocket in. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import {
  SESSION_KEY_PROTOCOL,
  SESSION_PATH,
  SESSION_PROTOCOL,
  SESSION_TOO_LARGE,
} from "../../../contract/sessions.ts";
import { SessionStore } from "../../adapters/redis/sessions.ts";
import type { KeyOwner } from "../../core/api-key.ts";
import type { PushParent } from "../../tracing/tracing.ts";
import { bearer, type Gate } from "../auth.ts";
import { API_EVENTS } from "../events.ts";
import type { ApiParts, Queue } from "../parts.ts";
import { Problem, problemOf } from "../problems.ts";
import { answerRaw } from "../raw-answer.ts";
import type { Server } from "../server.ts";
import { Connection } from "./connection.ts";
import { SessionHub } from "./hub.ts";
import { Wire } from "./wire.ts";

/** What `ws` calls a message over `maxPayload`. */
const TOO_LARGE = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
/** A session counts as connected for so many heartbeats after each. */
const CONNECTED_HEARTBEATS = 2.5;
/** Connections of a key at this process for each session that it may have: some may be closing, or not opened yet. */
const CONNECTIONS_PER_SESSION = 2;

/** Whether a request asks for this; any other request with an `Upgrade` header is answered as if it had none. */
export function isSessionRequest({ url = "", headers }: IncomingMessage): boolean {
  return url.split("?")[0] === SESSION_PATH && headers.upgrade?.toLowerCase() === "websocket";
}

function offered(request: IncomingMessage): string[] {
  return (request.headers["sec-websocket-protocol"] ?? "").split(",").map((word) => word.trim());
}

/** The key of the header, or else of a subprotocol; never of the URL, which logs show. */
function keyOf(request: IncomingMessage): string {
  const key = bearer(request.headers.authorization);
  if (key !== "") return key;
  const found = offered(request).find((word) => word.startsWith(SESSION_KEY_PROTOCOL));
  return found?.slice(SESSION_KEY_PROTOCOL.length) ?? "";
}

/** The trace that a request names. */
function parentOf({ headers }: IncomingMessage): PushParent {
  const { traceparent, tracestate } = headers;
  return {
    ...(typeof traceparent === "string" ? { traceparent } : {}),
    ...(typeof tracestate === "string" ? { tracestate } : {}),
  };
}

/** A request that was let in. */
interface Upgraded {
  readonly id: string;
  readonly owner: KeyOwner;
  readonly key: string;
  readonly queue: Queue;
  readonly parent: PushParent;
}

export class SessionServer {
  readonly hub: SessionHub;
  readonly #parts: ApiParts;
  readonly #gate: Gate;
  readonly #server: WebSocketServer;
  readonly #stores: ReadonlyMap<string, SessionStore>;
  readonly #now: () => number;

  constructor(parts: ApiParts, gate: Gate) {
    this.#parts = parts;
    this.#gate = gate;
    const { settings, redis, queues } = parts;
    this.#now = parts.now;
    this.#server = new WebSocketServer({
      ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
      maxPayload: settings.sessionMaxMessage,
      // A key among the subprotocols is never sent back.
      handleProtocols: (protocols) => protocols.has(SESSION_PROTOCOL) && SESSION_PROTOCOL,
    });
    const limits = {
      totalMs: settings.sessionTotal * 1000,
      connectedMs: settings.sessionHeartbeat * 1000 * CONNECTED_HEARTBEATS,
      resumeMs: settings.sessionResume * 1000,
      perClient: settings.sessionsPerClient,
      tasks: settings.sessionMaxTasks,
      events: settings.sessionMaxEvents,
    };
    this.#stores = new Map([...queues.keys()].map((name) => [name, new SessionStore(redis, name, limits)]));
    this.hub = new SessionHub({
      subscriber: parts.subscriber,
      heartbeatMs: settings.sessionHeartbeat * 1000,
      idleMs: settings.sessionIdle * 1000,
      now: this.#now,
      counts: parts.metrics.sessions,
      onFailure: (error) => this.#failed(error),
    });
  }

  attach(app: Server): void {
    app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#upgrade(request, socket, head);
    });
    app.addHook("preClose", () => this.hub.stop());
    this.#parts.stopping.addEventListener("abort", () => void this.hub.stop());
    this.hub.start();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const id = randomUUID();
    const began = performance.now();
    const onError = () => socket.destroy();
    socket.on("error", onError);
    const key = keyOf(request);
    let owner: KeyOwner | null = null;
    try {
      owner = await this.#gate.owner(key);
      const of = { id, key, ...this.#admit(request, owner), parent: parentOf(request) };
      socket.off("error", onError);
      this.#server.handleUpgrade(request, socket, head, (ws) => this.#connect(ws, of));
    } catch (error) {
      const problem = problemOf(error);
      if (problem.slug === "internal") this.#failed(error);
      answerRaw(socket, problem, id);
      this.#refused(id, problem.status, owner, performance.now() - began);
    }
  }

  /** Logs and counts it as any other request. */
  #refused(request: string, status: number, owner: KeyOwner | null, ms: number): void {
    const { metrics, logger } = this.#parts;
    const asked = { route: SESSION_PATH, method: "GET", status };
    metrics.answered({ ...asked, seconds: ms / 1000 });
    const key = owner?.id ?? null;
    logger.info({ request, ...asked, ms: Math.round(ms), key }, API_EVENTS.request);
  }

  /** Throws a `Problem` for what is not let in. */
  #admit(request: IncomingMessage, owner: KeyOwner | null) {
    if (owner === null)
      throw new Problem("unauthorized", {
        detail: `send \`Authorization: Bearer <key>\`, or the subprotocols ${SESSION_PROTOCOL} and ${SESSION_KEY_PROTOCOL}<key>`,
        headers: { "www-authenticate": "Bearer" },
      });
    if (!owner.verbs.includes("sessions:open"))
      throw new Problem("forbidden", "this key lacks the verb sessions:open");
    if (
      request.headers["sec-websocket-protocol"] !== undefined &&
      !offered(request).includes(SESSION_PROTOCOL)
    )
      throw new Problem("invalid-request", `Sec-WebSocket-Protocol: offer ${SESSION_PROTOCOL}`);
    const query = new URLSearchParams(request.url?.split("?")[1]);
    const queue = this.#gate.queueOf(owner, query.get("stream") ?? undefined);
    const most = this.#parts.settings.sessionsPerClient * CONNECTIONS_PER_SESSION;
    const client = clientOf(owner);
    if (this.hub.connectionsOf((one) => one.client === client && one.stream === queue.stream) >= most)
      throw new Problem("too-many", `at most ${most} connections of this key here`);
    return { owner, queue };
  }

  #connect(ws: WebSocket, of: Upgraded): void {
    const { id, owner, key, queue, parent } = of;
    const { settings, metrics, logger, redact, tracing } = this.#parts;
    const counts = metrics.sessions;
    const store = this.#stores.get(queue.stream);
    if (store === undefined) throw new Error(`no sessions of ${queue.stream}`);
    const wire = new Wire(ws, {
      bufferBytes: settings.sessionBuffer,
      now: this.#now,
      onSent: () => counts.sent++,
    });
    const fields = { request: id, key: owner.id, stream: queue.stream };
    const connection = new Connection({
      ...{ ws, wire, id, queue, store, redact },
      client: clientOf(owner),
      owner: () => this.#gate.owner(key),
      count: (now) => this.#gate.count(now),
      send: (tasks, push) => tracing.sends.send(queue.stream, tasks, push, parent),
      limits: {
        tasks: settings.sessionMaxTasks,
        events: settings.sessionMaxEvents,
        message_bytes: settings.sessionMaxMessage,
        heartbeat: settings.sessionHeartbeat,
        idle: settings.sessionIdle,
        total: settings.sessionTotal,
        resume: settings.sessionResume,
      },
      totalMs: settings.sessionTotal * 1000,
      now: this.#now,
      onReceived: () => counts.received++,
      onSession: (how) => {
        counts[how]++;
        this.hub.holds(connection);
        logger.info({ ...fields, session: connection.held?.tag, how }, API_EVENTS.sessionOpened);
      },
      onFailure: (error) => this.#failed(error),
    });
    this.hub.add(connection);
    // Its end follows; of what the client sent wrong, it is told by the close code.
    let failure = "";
    ws.on("error", (error: NodeJS.ErrnoException) => {
      failure = error.code ?? "";
    });
    ws.on("close", (received) => {
      const code = failure === TOO_LARGE ? SESSION_TOO_LARGE : received;
      logger.info({ ...fields, session: connection.held?.tag, code }, API_EVENTS.sessionClosed);
      void this.hub.gone(connection, code);
    });
  }

  #failed(error: unknown): void {
    this.#parts.logger.error({ exception: error }, API_EVENTS.failed);
  }
}

function clientOf({ id }: KeyOwner): string {
  return `key:${id}`;
}

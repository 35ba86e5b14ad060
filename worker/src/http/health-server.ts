/**
 * The plain HTTP side of a role: `/health`, `/health/live`, `/health/ready` and `/metrics`. No
 * authentication: it binds to loopback unless told otherwise.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { TaskfleetError } from "../core/errors.ts";
import { redactor, type SecretList } from "../logging/redact.ts";

export interface HealthServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** What keeps the role from working, one line each, such as `redis: connection refused`; empty when ready. */
  readonly ready: () => Promise<readonly string[]>;
  /** Values that never appear in an answer. */
  readonly secrets?: SecretList;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** The address cannot be bound: it is taken, or not allowed. */
export class HealthServerError extends TaskfleetError {
  override readonly name = "HealthServerError";
  /** Whether another program holds the port. */
  readonly inUse: boolean;
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: "is in use by another program",
      EACCES: "may not be bound by this user (ports from 1024 on may)",
      EADDRNOTAVAIL: "is no address of this machine",
    };
    const reason = reasons[cause.code ?? ""] ?? `cannot be bound (${cause.message})`;
    super(
      `${host}:${port} for /metrics and /health ${reason}: set TASKFLEET_HTTP_HOST and ` +
        "TASKFLEET_HTTP_PORT to another address, or the port to 0 for any free one.",
      { cause },
    );
    this.inUse = cause.code === "EADDRINUSE";
  }
}

function json(status: number, body: object): Answer {
  return { status, type: "application/json; charset=utf-8", body: `${JSON.stringify(body)}\n` };
}

export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #redact: (text: string) => string;
  #server: Server | undefined;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#redact = redactor(options.secrets ?? []);
  }

  /** `http://host:port` once started, "" before and after. */
  get address(): string {
    const bound = this.#server?.address();
    if (bound === undefined || bound === null || typeof bound === "string") return "";
    const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
    return `http://${host}:${bound.port}`;
  }

  /** @throws HealthServerError when the address cannot be bound. */
  async start(): Promise<void> {
    const { host, port } = this.#options;
    const server = createServer((request, response) => void this.#respond(request, response));
    server.listen(port, host);
    try {
      await once(server, "listening");
    } catch (error) {
      throw new HealthServerError(host, port, error as NodeJS.ErrnoException);
    }
    this.#server = server;
  }

  /** Closes the port and all connections. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request).catch((error: unknown) =>
      json(500, { status: "failed", errors: [this.#redact(String(error))] }),
    );
    response.writeHead(answer.status, {
      "content-type": answer.type,
      "content-length": Buffer.byteLength(answer.body),
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return json(405, { status: "method not allowed", allowed: ["GET", "HEAD"] });
    }
    const path = (request.url ?? "/").split("?", 1)[0];
    switch (path) {
      case "/health":
        return json(200, { status: "ok" });
      case "/health/live":
        return json(200, { status: "alive" });
      case "/health/ready":
        return this.#ready();
      case "/metrics":
        return {
          status: 200,
          type: "text/plain; version=0.0.4; charset=utf-8",
          body: await this.#options.metrics(),
        };
      default:
        return json(404, {
          status: "not found",
          paths: ["/health", "/health/live", "/health/ready", "/metrics"],
        });
    }
  }

  async #ready(): Promise<Answer> {
    const errors = await this.#options.ready();
    if (errors.length === 0) return json(200, { status: "ready" });
    return json(503, { status: "not ready", errors: errors.map(this.#redact) });
  }
}

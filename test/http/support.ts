import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, LookupFunction } from "node:net";
import { PermanentError, RetryLaterError, type TaskContext } from "../../worker/src/handler.ts";
import type { HttpOutput } from "../../worker/src/handlers/http/judge.ts";
import type { HttpTask } from "../../worker/src/handlers/http/payload.ts";
import { type HttpHandlerOptions, httpHandler } from "../../worker/src/handlers/http.ts";
import { circuit } from "../../worker/src/runtime/circuit.ts";
import { closedCircuits } from "../support/circuits.ts";
import type { Certificate } from "./certificate.ts";

/** A server on a free loopback port; keeps the requests that it got, and how many connections are open. */
export class Service {
  readonly requests: IncomingMessage[] = [];
  readonly #server: Server;
  readonly #scheme: string;
  connections = 0;

  constructor(listener: RequestListener, tls?: Certificate) {
    const keep: RequestListener = (request, response) => {
      this.requests.push(request);
      listener(request, response);
    };
    this.#server = tls === undefined ? createServer(keep) : createSecureServer({ ...tls }, keep);
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server.on("connection", (socket) => {
      this.connections++;
      socket.on("close", () => this.connections--);
    });
  }

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A URL of it by this host name. */
  url(path = "/", host = "127.0.0.1"): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

/** A resolver that knows these names; each value is given once, the last one for ever. */
export function names(known: Readonly<Record<string, readonly (readonly string[])[]>>) {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    asked.push(hostname);
    const answers = known[hostname] ?? [];
    const times = asked.filter((name) => name === hostname).length;
    const found = answers[Math.min(times, answers.length) - 1] ?? [];
    const all = found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    const [first] = all;
    if (first === undefined) {
      callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" }), "", 0);
    } else if (options.all === true) callback(null, all);
    else callback(null, first.address, first.family);
  };
  return { lookup, asked };
}

function contextOf(signal: AbortSignal): TaskContext {
  return {
    taskId: "t",
    kind: "http",
    attempt: 1,
    graceMs: 500,
    signal,
    secret: () => "",
    circuit: (name) => circuit(closedCircuits, name, signal),
    progress: () => {},
    log: () => {},
  };
}

const NEVER = new AbortController().signal;

export async function send(
  task: HttpTask,
  options: Partial<HttpHandlerOptions> = {},
  signal: AbortSignal = NEVER,
): Promise<HttpOutput> {
  return (await httpHandler({ allow: [], ...options }).run(task, contextOf(signal))) as HttpOutput;
}

async function thrownBy(...given: Parameters<typeof send>): Promise<unknown> {
  return send(...given).then(
    (output) => assert.fail(`it succeeded: ${JSON.stringify(output)}`),
    (error: unknown) => error,
  );
}

/** The reason and message of a task's end for good. */
export async function refusal(...given: Parameters<typeof send>) {
  const error = await thrownBy(...given);
  assert.ok(error instanceof PermanentError, String(error));
  return { reason: error.reason, message: error.message, output: error.output as HttpOutput };
}

/** The error of a run that the queue repeats. */
export async function failure(...given: Parameters<typeof send>) {
  const error = await thrownBy(...given);
  assert.ok(error instanceof Error && !(error instanceof PermanentError), String(error));
  const { reason, retryAfterMs } = error instanceof RetryLaterError ? error : {};
  return { reason, retryAfterMs, message: error.message };
}

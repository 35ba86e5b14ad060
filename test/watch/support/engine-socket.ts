import { once } from "node:events";
import { rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";

const REQUEST = /(?:^|\n)(GET|HEAD|POST|PUT|DELETE) (\S+) HTTP\/1\.1\r/g;
const VERSION = /^\/v\d+\.\d+/;

/** An engine's socket that a test can cut, and that knows what was asked through it. */
export class EngineSocket {
  readonly #path: string;
  readonly #engine: string;
  readonly #open = new Set<Socket>();
  #server: Server | null = null;
  /** Requests so far: method and path, with names and ids replaced. */
  readonly asked = new Set<string>();

  /** `path`: where it is to be; `host`: the engine's, as `unix:///path`. */
  constructor(path: string, host: string) {
    this.#path = path;
    this.#engine = host.replace(/^unix:\/\//, "");
  }

  get host(): string {
    return `unix://${this.#path}`;
  }

  async mend(): Promise<void> {
    const server = createServer((client) => this.#join(client));
    this.#server = server;
    server.listen(this.#path);
    await once(server, "listening");
  }

  /** Ends all connections; nobody answers there any more. */
  async cut(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
    rmSync(this.#path, { force: true });
  }

  #join(client: Socket): void {
    const engine = createConnection(this.#engine);
    for (const [one, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      this.#open.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#open.delete(one);
        other.destroy();
      });
    }
    client.on("data", (chunk) => this.#note(chunk.toString("latin1")));
    client.pipe(engine);
    engine.pipe(client);
  }

  #note(text: string): void {
    for (const [, method, url = ""] of text.matchAll(REQUEST)) {
      const [path = ""] = url.replace(VERSION, "").split("?");
      this.asked.add(`${method} ${generalPath(path)}`);
    }
  }
}

/** `/containers/0123abc/json` as `/containers/{id}/json`. */
function generalPath(path: string): string {
  const [, object = "", name, ...rest] = path.split("/");
  if (name === undefined) return path;
  const fixed = ["json", "create", "prune"].includes(name) && rest.length === 0;
  if (fixed) return path;
  const last = object === "images" || object === "distribution" ? rest.slice(-1) : rest;
  return `/${[object, "{id}", ...last].join("/")}`;
}

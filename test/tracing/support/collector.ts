/** A contract server: takes OTLP's traces by HTTP and protobuf as a collector does, and keeps them. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { waitFor } from "../../support/wait.ts";
import { Message } from "./protobuf.ts";

export type Value = string | number | boolean | readonly unknown[];
export type Attributes = Readonly<Record<string, Value>>;

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** "" for a root. */
  readonly parentId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer";
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Attributes;
  }[];
  readonly status: "unset" | "ok" | "error";
  readonly message: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly resource: Attributes;
}

const KINDS = ["internal", "internal", "server", "client", "producer", "consumer"] as const;
const STATUSES = ["unset", "ok", "error"] as const;

function readValue(value: Message): Value {
  if (value.has(1)) return value.text(1);
  if (value.has(2)) return value.integer(2) === 1;
  if (value.has(3)) return value.integer(3);
  if (value.has(4)) return value.double(4);
  return value.messages(5).flatMap((list) => list.messages(1).map(readValue));
}

function attributesOf(message: Message, number: number): Attributes {
  const pairs = message.messages(number).map((pair) => {
    const [value] = pair.messages(2);
    return [pair.text(1), value === undefined ? "" : readValue(value)] as const;
  });
  return Object.fromEntries(pairs);
}

function spanOf(span: Message, resource: Attributes): CollectedSpan {
  const [status] = span.messages(15);
  return {
    traceId: span.hex(1),
    spanId: span.hex(2),
    traceState: span.text(3),
    parentId: span.hex(4),
    name: span.text(5),
    kind: KINDS[span.integer(6)] ?? "internal",
    start: span.fixed64(7),
    end: span.fixed64(8),
    attributes: attributesOf(span, 9),
    events: span.messages(11).map((event) => ({ name: event.text(2), attributes: attributesOf(event, 3) })),
    links: span.messages(13).map((link) => ({
      traceId: link.hex(1),
      spanId: link.hex(2),
      attributes: attributesOf(link, 4),
    })),
    status: STATUSES[status?.integer(3) ?? 0] ?? "unset",
    message: status?.text(2) ?? "",
    resource,
  };
}

function spansIn(body: Buffer): CollectedSpan[] {
  return new Message(body).messages(1).flatMap((batch) => {
    const [resource] = batch.messages(1);
    const attributes = resource === undefined ? {} : attributesOf(resource, 1);
    return batch.messages(2).flatMap((scope) => scope.messages(2).map((span) => spanOf(span, attributes)));
  });
}

export interface CollectorOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** Status of its answers. Default: 200. */
  readonly status?: () => number;
}

export class Collector {
  readonly url: string;
  readonly spans: CollectedSpan[] = [];
  /** As they came over the wire. */
  readonly bodies: Buffer[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  readonly paths: string[] = [];
  readonly stop: () => Promise<void>;

  private constructor(url: string, stop: () => Promise<void>) {
    this.url = url;
    this.stop = stop;
  }

  static async start({ port = 0, status = () => 200 }: CollectorOptions = {}): Promise<Collector> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const sent = Buffer.concat(chunks);
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
      const code = status();
      if (code === 200) collector.#take(body, request.url ?? "", request.headers);
      response.writeHead(code, { "content-type": "application/x-protobuf" }).end();
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
    const stop = async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    };
    const collector = new Collector(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop);
    return collector;
  }

  #take(body: Buffer, path: string, headers: IncomingHttpHeaders): void {
    this.bodies.push(body);
    this.paths.push(path);
    this.headers.push(headers);
    this.spans.push(...spansIn(body));
  }

  /** Spans of this name, by their start. */
  named(name: string): CollectedSpan[] {
    return this.spans.filter((span) => span.name === name).toSorted((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** Waits for so many spans of this name. */
  async got(name: string, count = 1): Promise<readonly [CollectedSpan, ...CollectedSpan[]]> {
    const shown = () => this.spans.map((span) => span.name).join(", ");
    return waitFor(`${count} spans ${name}`, () => {
      const found = this.named(name);
      if (found.length > count) throw new Error(`${found.length} spans ${name}, not ${count}: ${shown()}`);
      return found.length === count ? (found as [CollectedSpan]) : undefined;
    });
  }
}

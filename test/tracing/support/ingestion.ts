/** A contract server: takes telemetry as Azure Monitor's ingestion does (`/v2.1/track` over TLS, lines or a list of JSON), and keeps it. */
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { selfSigned } from "../../http/certificate.ts";

export interface Envelope {
  readonly name: string;
  readonly iKey: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: { readonly baseType: string; readonly baseData: Readonly<Record<string, unknown>> };
}

export interface Ingestion {
  readonly url: string;
  /** PEM; it signs itself. */
  readonly certificate: string;
  readonly envelopes: readonly Envelope[];
  readonly paths: readonly string[];
  stop(): Promise<void>;
}

export async function startIngestion(): Promise<Ingestion> {
  const envelopes: Envelope[] = [];
  const paths: string[] = [];
  const identity = selfSigned("localhost");
  const server = createServer(identity, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    const packed = request.headers["content-encoding"] === "gzip";
    const text = (packed ? gunzipSync(sent) : sent).toString("utf8");
    const list = text.startsWith("[") ? JSON.parse(text) : text.split("\n").map((line) => JSON.parse(line));
    envelopes.push(...(list as Envelope[]));
    paths.push(request.url ?? "");
    const body = { itemsReceived: list.length, itemsAccepted: list.length, errors: [] };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    certificate: identity.cert,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    envelopes,
    paths,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

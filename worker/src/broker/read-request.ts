/** Takes a request off a connection. */
import type { Socket } from "node:net";
import type { SandboxLimits } from "../ports/sandbox.ts";
import { MAX_LINE_BYTES, parseRequest } from "./parse-request.ts";
import type { BrokerRequest } from "./protocol.ts";

export interface ReceivedRequest {
  readonly request: BrokerRequest;
  readonly stdin: Buffer;
}

/** How long a worker may take to send its request. */
const PATIENCE_MS = 30_000;
const NEWLINE = 10;

/** Collects bytes until they are a whole request. */
class Collector {
  readonly #most: SandboxLimits;
  #request: BrokerRequest | undefined;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(most: SandboxLimits) {
    this.#most = most;
  }

  /** The request once it is whole, or what is wrong with it. */
  add(chunk: Buffer): ReceivedRequest | string | undefined {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#request === undefined) {
      const problem = this.#readLine(chunk);
      if (problem !== undefined) return problem;
    }
    if (this.#request === undefined || this.#size < this.#request.stdinBytes) return undefined;
    if (this.#size > this.#request.stdinBytes) return "more bytes follow than stdinBytes says";
    return { request: this.#request, stdin: Buffer.concat(this.#chunks) };
  }

  #readLine(chunk: Buffer): string | undefined {
    const ends = chunk.includes(NEWLINE);
    if (this.#size > MAX_LINE_BYTES && !ends) return `the request is longer than ${MAX_LINE_BYTES} bytes`;
    if (!ends) return undefined;
    const all = Buffer.concat(this.#chunks);
    const end = all.indexOf(NEWLINE);
    if (end > MAX_LINE_BYTES) return `the request is longer than ${MAX_LINE_BYTES} bytes`;
    const request = parseRequest(all.toString("utf8", 0, end), this.#most);
    if (typeof request === "string") return request;
    this.#request = request;
    const rest = all.subarray(end + 1);
    [this.#chunks, this.#size] = [[rest], rest.length];
    return undefined;
  }
}

/** The request; a text says what is wrong with it, `undefined` that there was none. */
export function readRequest(
  socket: Socket,
  most: SandboxLimits,
): Promise<ReceivedRequest | string | undefined> {
  const collector = new Collector(most);
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle("the request did not come in time"), PATIENCE_MS);
    const hear = (chunk: Buffer) => {
      const found = collector.add(chunk);
      if (found !== undefined) settle(found);
    };
    const leave = () => settle(undefined);
    const settle = (found: ReceivedRequest | string | undefined) => {
      clearTimeout(timer);
      socket.off("data", hear).off("end", leave).off("close", leave);
      resolve(found);
    };
    socket.on("data", hear).once("end", leave).once("close", leave);
  });
}

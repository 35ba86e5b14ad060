import type { IncomingMessage } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  type Zlib,
} from "node:zlib";

const DECODERS = new Map<string, () => Duplex & Zlib>([
  ["gzip", createGunzip],
  ["x-gzip", createGunzip],
  ["deflate", createInflate],
  ["br", createBrotliDecompress],
  ["zstd", createZstdDecompress],
]);

/** Value of `accept-encoding` for what `readBody` decodes. */
export const ENCODINGS = "gzip, deflate, br, zstd";

export interface Body {
  readonly bytes: Buffer;
  /** Whether bytes beyond the cap were dropped. */
  readonly truncated: boolean;
}

/**
 * Reads a response's body, decoded, up to `maxBytes` of what comes out of the decoder; then the connection is
 * closed. A body in an encoding that is none of `ENCODINGS` stays as it is. `empty`: it has none.
 */
export async function readBody(response: IncomingMessage, maxBytes: number, empty: boolean): Promise<Body> {
  const decoder = empty
    ? undefined
    : DECODERS.get(response.headers["content-encoding"]?.toLowerCase() ?? "")?.();
  // The callback has nothing to say: the reader below gets every error.
  const decoded = decoder === undefined ? response : pipeline(response, decoder, () => {});
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decoded as AsyncIterable<Buffer>) {
      const room = maxBytes - size;
      chunks.push(chunk.subarray(0, room));
      size += Math.min(chunk.length, room);
      if (chunk.length > room) return { bytes: Buffer.concat(chunks), truncated: true };
    }
    return { bytes: Buffer.concat(chunks), truncated: false };
  } catch (error) {
    // Decoders take an empty body for a cut one.
    const cut = (error as NodeJS.ErrnoException).code === "Z_BUF_ERROR" && response.complete;
    if (cut && decoder?.bytesWritten === 0) return { bytes: Buffer.alloc(0), truncated: false };
    throw error;
  } finally {
    response.destroy();
  }
}

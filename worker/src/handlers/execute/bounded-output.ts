import { isUtf8 } from "node:buffer";

/** What one run may print where its payload does not say: 1 MiB. */
export const DEFAULT_OUTPUT_BYTES = 1024 * 1024;
/** The most that a payload may ask for: 16 MiB. */
export const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Bytes as JSON can carry them: text where they are valid UTF-8, else base64. */
export interface EncodedBytes {
  readonly text: string;
  readonly encoding: "utf8" | "base64";
}

export function encodeBytes(bytes: Buffer): EncodedBytes {
  return isUtf8(bytes)
    ? { text: bytes.toString("utf8"), encoding: "utf8" }
    : { text: bytes.toString("base64"), encoding: "base64" };
}

/** Collects what a program prints on its two channels, together at most `maxBytes`. */
export class BoundedOutput {
  readonly #maxBytes: number;
  readonly #chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  #size = 0;
  #truncated = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether something did not fit. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** Keeps what fits of a chunk; returns whether all of it did. */
  add(channel: "stdout" | "stderr", chunk: Buffer): boolean {
    const room = this.#maxBytes - this.#size;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    if (kept.length > 0) this.#chunks[channel].push(kept);
    this.#size += kept.length;
    if (kept.length < chunk.length) this.#truncated = true;
    return kept.length === chunk.length;
  }

  bytes(channel: "stdout" | "stderr"): Buffer {
    return Buffer.concat(this.#chunks[channel]);
  }
}

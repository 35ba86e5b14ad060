/**
 * What worker and sandbox broker say to each other, one program a connection. The worker sends one line of JSON
 * (`BrokerRequest`) and `stdinBytes` bytes; closing its side ends the program. Back come frames: a byte of `FRAMES`, four
 * bytes of length (big-endian), that many bytes; the last one is `ended`.
 */
import type { SandboxLimits, SandboxStop } from "../ports/sandbox.ts";

export interface BrokerRequest {
  readonly version: 1;
  readonly command: readonly [string, ...string[]];
  /** Variables beside those that the broker sets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly stdinBytes: number;
}

export const FRAMES = { started: 0, stdout: 1, stderr: 2, ended: 3 } as const;

/** What is in the frame `ended`, as JSON. */
export type BrokerEnd =
  | { readonly exitCode: number | null; readonly signal: string | null; readonly stop: SandboxStop | null }
  | { readonly failed: { readonly step: string; readonly code: string; readonly message: string } };

export const failed = (step: string, code: string, message: string): BrokerEnd => ({
  failed: { step, code, message },
});

const HEAD_BYTES = 5;
/** The longest frame; longer ones are no frames. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export function frame(kind: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(kind);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #rest = Buffer.alloc(0);
  readonly #take: (kind: number, content: Buffer) => void;

  constructor(take: (kind: number, content: Buffer) => void) {
    this.#take = take;
  }

  /** @throws RangeError when the bytes are no frames. */
  add(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEAD_BYTES) {
      const length = this.#rest.readUInt32BE(1);
      if (length > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${length} bytes`);
      if (this.#rest.length < HEAD_BYTES + length) return;
      const kind = this.#rest.readUInt8();
      const content = this.#rest.subarray(HEAD_BYTES, HEAD_BYTES + length);
      this.#rest = this.#rest.subarray(HEAD_BYTES + length);
      this.#take(kind, content);
    }
  }
}

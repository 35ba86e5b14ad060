import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { CONSUMER_GROUP, queueKeys } from "../../../contract/queue-keys.ts";
import { SCRIPTS } from "./scripts.ts";

/** One element of an XREADGROUP reply: entry id and flat fields (`null` when it was deleted meanwhile). */
export type RawEntry = [entryId: string, fields: string[] | null];

/** What one stream gave. */
export interface Batch {
  readonly stream: string;
  readonly entries: readonly RawEntry[];
  /** The stream was paused when these came: they must go back unrun. */
  readonly paused: boolean;
}

export interface GroupReaderOptions {
  readonly redis: Redis;
  readonly blocking: Redis;
  readonly streams: readonly string[];
  readonly workerId: string;
}

/**
 * How long an answer may overstay its BLOCK. Then the connection is taken for one that vanished without a word, and
 * the read is sent again on a new one.
 */
const OVERSTAY_MS = 5_000;

/** Claims entries from several streams, leaves paused ones alone, and makes a group that is missing. */
export class GroupReader {
  readonly #o: GroupReaderOptions;
  #paused: ReadonlySet<string> = new Set();
  #rest = new AbortController();

  constructor(options: GroupReaderOptions) {
    this.#o = options;
  }

  /** Takes up to `count` entries, waits up to `blockMs` for the first. */
  async read(count: number, blockMs: number): Promise<Batch[]> {
    // Taken before the flags are asked for: a resume may come between.
    const { signal } = this.#rest;
    if (this.#paused.size > 0) this.#paused = await this.#pausedStreams();
    const open = this.#o.streams.filter((stream) => !this.#paused.has(stream));
    if (open.length === 0) {
      await delay(blockMs, undefined, { signal }).catch(() => {});
      return [];
    }
    // COUNT is per stream.
    const share = Math.max(1, Math.floor(count / open.length));
    const found = await this.#claim(open, share, Math.max(1, Math.round(blockMs)));
    return found.map(([stream, entries]) => ({ stream, entries, paused: this.#paused.has(stream) }));
  }

  /** Ends a read that waits for a paused stream. */
  wake(): void {
    this.#rest.abort();
    this.#rest = new AbortController();
  }

  async #claim(streams: readonly string[], count: number, blockMs: number): Promise<[string, RawEntry[]][]> {
    const from = [...streams, ...streams.map(() => ">")];
    const claim = () => {
      const { blocking, workerId } = this.#o;
      const group = ["GROUP", CONSUMER_GROUP, workerId, "COUNT", count, "BLOCK", blockMs, "STREAMS"];
      const found = blocking.call("xreadgroup", ...group, ...from) as Promise<[string, RawEntry[]][] | null>;
      // Sent behind the blocked read, so it tells whether a pause came before the entries did.
      const paused = this.#pausedStreams();
      let answered = false;
      const reconnect = () => {
        if (!answered && blocking.status === "ready") blocking.disconnect(true);
      };
      // Behind what the socket holds: a busy event loop must not take an answer that is there for silence.
      const silence = setInterval(() => setImmediate(reconnect), blockMs + OVERSTAY_MS);
      return Promise.all([found, paused]).finally(() => {
        answered = true;
        clearInterval(silence);
      });
    };
    const [found, paused] = await claim().catch(async (error: unknown) => {
      if (!(error instanceof Error) || !error.message.includes("NOGROUP")) throw error;
      for (const stream of streams) {
        await SCRIPTS.ensureGroup.run(this.#o.redis, [stream], [CONSUMER_GROUP]);
      }
      return claim();
    });
    this.#paused = paused;
    return found ?? [];
  }

  async #pausedStreams(): Promise<Set<string>> {
    const { blocking, streams } = this.#o;
    const flags = await Promise.all(streams.map((stream) => blocking.exists(queueKeys(stream).paused)));
    return new Set(streams.filter((_stream, i) => flags[i] === 1));
  }
}

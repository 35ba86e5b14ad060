import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { PRIORITIES, type Priority, priorityStream } from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, queueKeys } from "../../../contract/queue-keys.ts";
import { PriorityTurns } from "../../core/priority-turns.ts";
import type { EntryPlace } from "../../core/task.ts";
import { connectionOf } from "./connection.ts";
import { type ReadEntry, readEntry, readPackedEntry } from "./entry.ts";
import type { RecordedQueues } from "./recorded-queues.ts";
import { SCRIPTS, type ScriptArgument } from "./scripts.ts";
import { unblockOne } from "./unblock.ts";

/** What one queue gave. */
export interface Batch {
  readonly stream: string;
  readonly entries: readonly ReadEntry[];
  /** The queue was paused when these came: they must go back unrun. */
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

/** How scripts name the normal priority. */
const PLAIN = "";

/** Entry id and flat fields (`null` when it was deleted meanwhile). */
type RawEntry = readonly [entryId: string, fields: string[] | null];
type PackedAnswer = readonly [switches: number, ...parts: (string | readonly string[])[]];

/** Streams that one command may read, and the connection that waits for them. */
interface Place {
  readonly streams: readonly string[];
  readonly blocking: Redis;
  /** Ends its wait. */
  readonly unblock: () => Promise<void>;
}

/** Waits for an answer; a connection that is silent for so long is made anew, and what waits on it is sent again. */
function answered<T>(connection: Redis, silentMs: number, answer: Promise<T>): Promise<T> {
  let isThere = false;
  const reconnect = () => {
    if (!isThere && connection.status === "ready") connection.disconnect(true);
  };
  // Behind what the socket holds: a busy event loop must not take an answer that is there for silence.
  const silence = setInterval(() => setImmediate(reconnect), silentMs);
  return answer.finally(() => {
    isThere = true;
    clearInterval(silence);
  });
}

/** Claims entries of several queues in turns of their priorities, and leaves paused queues alone. */
export class GroupReader {
  readonly #o: GroupReaderOptions;
  readonly #turns = new PriorityTurns();
  readonly #recorded: RecordedQueues;
  #rest = new AbortController();
  /** One, but where a Cluster's streams are in different slots. */
  #places: readonly Place[] | undefined;

  constructor(options: GroupReaderOptions, recorded: RecordedQueues) {
    this.#o = options;
    this.#recorded = recorded;
  }

  /** Takes up to `count` entries (a little more when it is less than the number of streams), waits up to `blockMs` for the first. */
  async read(count: number, blockMs: number): Promise<Batch[]> {
    const { streams } = this.#o;
    // Taken before the flags are asked for: a resume may come between.
    const { signal } = this.#rest;
    const share = Math.max(1, Math.floor(count / streams.length));
    const answers = await Promise.all(streams.map((stream) => this.#take(stream, share)));
    const batches = answers.flatMap((entries, i) =>
      entries === "paused" || entries.length === 0
        ? []
        : [{ stream: streams[i] ?? "", entries, paused: false }],
    );
    if (batches.length > 0) return batches;
    const open = streams.filter((_stream, i) => answers[i] !== "paused");
    if (open.length > 0) return this.#waitEverywhere(open, count, Math.max(1, Math.round(blockMs)));
    await delay(blockMs, undefined, { signal }).catch(() => {});
    return [];
  }

  /** Ends a read that waits for a paused queue. */
  wake(): void {
    this.#rest.abort();
    this.#rest = new AbortController();
  }

  /** What waits in a queue now. */
  async #take(stream: string, count: number): Promise<readonly ReadEntry[] | "paused"> {
    const shares = this.#turns.next(count);
    const args: ScriptArgument[] = [CONSUMER_GROUP, this.#o.workerId, count];
    for (const priority of PRIORITIES) args.push(priority === "normal" ? PLAIN : priority, shares[priority]);
    const redis = connectionOf(this.#o.redis, stream);
    const { paused, record, sessions } = queueKeys(stream);
    const taken = SCRIPTS.take.run(redis, [stream, paused, record, sessions], args);
    const answer = await answered(redis, OVERSTAY_MS, taken);
    const [switches, ...parts] = answer as PackedAnswer;
    if (this.#recorded.note(stream, switches)) return "paused";
    const entries: ReadEntry[] = [];
    for (let i = 0; i + 1 < parts.length; i += 2) {
      const from = { stream, priority: (parts[i] || "normal") as Priority };
      const packed = parts[i + 1] as readonly string[];
      for (let at = 0; at + 1 < packed.length; at += 2)
        entries.push(readPackedEntry(from, packed[at] ?? "", packed[at + 1] ?? ""));
    }
    return entries;
  }

  /** Waits for the first entries of queues that are empty; where one place has some, the others' waits end. */
  async #waitEverywhere(streams: readonly string[], count: number, blockMs: number): Promise<Batch[]> {
    this.#places ??= this.#findPlaces();
    const places = this.#places
      .map((place) => ({ ...place, streams: place.streams.filter((stream) => streams.includes(stream)) }))
      .filter((place) => place.streams.length > 0);
    const each = Math.max(1, Math.floor(count / places.length));
    const waits = places.map(async (place) => {
      const found = await this.#wait(place, each, blockMs);
      if (found.length === 0) return found;
      // One that cannot be told waits until its time is over.
      for (const other of places) if (other !== place) other.unblock().catch(() => {});
      return found;
    });
    return (await Promise.all(waits)).flat();
  }

  #findPlaces(): readonly Place[] {
    const { redis, blocking, streams } = this.#o;
    const groups = [...Map.groupBy(streams, (stream) => connectionOf(blocking, stream))];
    // The only one has nobody to wake it.
    if (groups.length === 1) return [{ streams, blocking, unblock: async () => {} }];
    return groups.map(([connection, own]) => ({
      streams: own,
      blocking: connection,
      unblock: unblockOne(connectionOf(redis, own[0] ?? ""), connection),
    }));
  }

  /** Waits at one place. */
  async #wait({ streams, blocking }: Place, count: number, blockMs: number): Promise<Batch[]> {
    const sources = new Map<string, Pick<EntryPlace, "stream" | "priority">>();
    for (const stream of streams)
      for (const priority of PRIORITIES) sources.set(priorityStream(stream, priority), { stream, priority });
    // COUNT is per stream.
    const each = Math.max(1, Math.floor(count / sources.size));
    const [found, paused] = await this.#claim(blocking, streams, [...sources.keys()], each, blockMs);
    return (found ?? []).flatMap(([name, entries]) => {
      const from = sources.get(name);
      if (from === undefined) return [];
      const read = entries.flatMap(([entryId, fields]) =>
        fields === null ? [] : [readEntry({ ...from, entryId }, fields)],
      );
      return [{ stream: from.stream, entries: read, paused: paused.has(from.stream) }];
    });
  }

  #claim(
    blocking: Redis,
    streams: readonly string[],
    sources: readonly string[],
    count: number,
    blockMs: number,
  ) {
    const { workerId } = this.#o;
    const group = ["GROUP", CONSUMER_GROUP, workerId, "COUNT", count, "BLOCK", blockMs, "STREAMS"];
    const from = [...sources, ...sources.map(() => ">")];
    const found = blocking.call("xreadgroup", ...group, ...from) as Promise<[string, RawEntry[]][] | null>;
    // Sent behind the blocked read, so it tells whether a pause came before the entries did.
    const paused = this.#pausedStreams(blocking, streams);
    // A group that is gone is made again by the next look at what waits.
    const nothing = (error: unknown) => {
      if (error instanceof Error && error.message.includes("NOGROUP")) return null;
      throw error;
    };
    return answered(blocking, blockMs + OVERSTAY_MS, Promise.all([found.catch(nothing), paused]));
  }

  async #pausedStreams(blocking: Redis, streams: readonly string[]): Promise<Set<string>> {
    const flags = await Promise.all(streams.map((stream) => blocking.exists(queueKeys(stream).paused)));
    return new Set(streams.filter((_stream, i) => flags[i] === 1));
  }
}

import type { Redis } from "ioredis";
import { queueKeys } from "../../../contract/queue-keys.ts";
import { parseRunEvent, type RunEvent } from "../../../contract/run-events.ts";
import { BEFORE_ALL, type RunEventSource } from "../../ports/run-event-source.ts";
import { SCRIPTS } from "./scripts.ts";

/** An entry of `events`. */
export interface RecordedEntry {
  /** Its stream id, which orders all of a queue. */
  readonly id: string;
  /** How many tasks it tells of, as far as that can be read. */
  readonly rows: number;
  /** `undefined`: no event, or of a format that this version does not know. */
  readonly event: RunEvent | undefined;
}

export interface RecordState {
  /** Most bytes that may wait; `null` while nothing is recorded. */
  readonly boundBytes: number | null;
  /** Bytes that wait. */
  readonly usedBytes: number;
  /** Changes of tasks that were dropped for want of room, in all. */
  readonly lost: number;
  /** How many of them somebody was told of. */
  readonly told: number;
  /** When some were dropped last, in ms since the epoch; `null`: never. */
  readonly lostAt: number | null;
}

/** Most entries of one command. */
const MOST_ENTRIES = 1_000;
/** Of an entry, before any was read. */
const ROWS_GUESSED = 50;

/** The stream in which the scripts of one queue tell what they change, and the switch that has them do so. */
export class RecordStream implements RunEventSource {
  readonly #redis: Redis;
  readonly #record: string;
  readonly #events: string;
  readonly #control: string;
  /** Of an entry, as the last read found. */
  #meanRows = ROWS_GUESSED;

  constructor(redis: Redis, stream: string) {
    const { record, events, controlChannel } = queueKeys(stream);
    this.#redis = redis;
    this.#record = record;
    this.#events = events;
    this.#control = controlChannel;
  }

  /**
   * Has changes recorded; up to so many bytes of them wait, then the oldest are dropped. Again: sets the bound anew. Workers
   * are told when it is new: else they would hear of it by their next heartbeat, and tell nothing before.
   */
  async on(bytes: number): Promise<void> {
    const added = await this.#redis.hset(this.#record, "bytes", Math.round(bytes));
    if (added === 1) await this.#redis.publish(this.#control, "announce");
  }

  /** Has nothing recorded any more. What waits stays. */
  async off(): Promise<void> {
    await this.#redis.hdel(this.#record, "bytes");
  }

  async state(): Promise<RecordState> {
    const found = await this.#redis.hmget(this.#record, "bytes", "used", "lost", "lost_at", "told");
    const [bound = null, used, lost, lostAt = null, told] = found;
    return {
      boundBytes: bound === null ? null : Number(bound),
      usedBytes: Number(used ?? 0),
      lost: Number(lost ?? 0),
      told: Number(told ?? 0),
      lostAt: lostAt === null ? null : Number(lostAt),
    };
  }

  async tell(lost: number): Promise<void> {
    await this.#redis.hset(this.#record, "told", lost);
  }

  /** Id of the newest entry; `BEFORE_ALL` for none. It outlives the entry, so it never goes back while the key is there. */
  async lastId(): Promise<string> {
    if ((await this.#redis.exists(this.#events)) === 0) return BEFORE_ALL;
    const info = (await this.#redis.xinfo("STREAM", this.#events)) as unknown[];
    return String(info[info.indexOf("last-generated-id") + 1]);
  }

  /** Has every entry to come get an id after this one: Redis may have gone back to older data, or to another clock. */
  async goOnAfter(id: string): Promise<void> {
    await SCRIPTS.recordAdvance.run(this.#redis, [this.#events], [id]);
  }

  /** Entries after an id, oldest first: until they tell of `rows` tasks, the last entry as a whole, or there are no more. */
  async read(after: string, rows: number): Promise<RecordedEntry[]> {
    const read: RecordedEntry[] = [];
    let found = 0;
    let from = after;
    while (found < rows) {
      const count = Math.min(MOST_ENTRIES, Math.ceil((rows - found) / this.#meanRows));
      const page = await this.#redis.xrange(this.#events, `(${from}`, "+", "COUNT", count);
      for (const [id, fields] of page) {
        if (found >= rows) break;
        const entry = { id, rows: rowsOf(fields), event: parseRunEvent(fields) };
        read.push(entry);
        found += entry.rows;
        from = id;
      }
      if (read.length > 0) this.#meanRows = Math.max(1, found / read.length);
      if (page.length < count) break;
    }
    return read;
  }

  /** Drops entries up to this id, that one included: the record has them. `rows`: of how many tasks they told. */
  async trim(upTo: string, rows?: number): Promise<void> {
    const keys = [this.#record, this.#events];
    let left = rows;
    for (let more = 1; more === 1; ) {
      const answer = await SCRIPTS.recordTrim.run(this.#redis, keys, [upTo, MOST_ENTRIES, left ?? ""]);
      const [isMore, dropped] = answer as [number, number];
      more = isMore;
      if (left !== undefined) left -= dropped;
    }
  }
}

function rowsOf(fields: readonly string[]): number {
  for (let i = 0; i + 1 < fields.length; i += 2)
    if (fields[i] === "n") return Math.max(0, Number(fields[i + 1]) || 0);
  return 0;
}

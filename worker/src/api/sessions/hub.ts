/** The sessions that this process holds: it hears their news, keeps them alive and ends those whose time is over. */
import type { Redis } from "ioredis";
import { queueKeys } from "../../../contract/queue-keys.ts";
import { SESSION_TOO_LARGE } from "../../../contract/sessions.ts";
import type { HeldSession, SessionStore } from "../../adapters/redis/sessions.ts";
import type { Connection } from "./connection.ts";
import type { SessionCounts, SessionEnd } from "./metrics.ts";
import { parseNews } from "./news.ts";

/** Times in ms. */
export interface HubOptions {
  readonly subscriber: () => Redis;
  readonly heartbeatMs: number;
  readonly idleMs: number;
  /** A clock that never goes back. */
  readonly now: () => number;
  readonly counts: SessionCounts;
  readonly onFailure: (error: unknown) => void;
}

const MOST_BETWEEN_LOOKS_MS = 1_000;
const LOOKS_PER_HEARTBEAT = 4;
/** Until connections are cut whose clients do not answer the closing at the end. */
const LAST_CLOSING_MS = 1_000;
const PROBES_MS = 10;
/** Close codes of a client that wants no more of its session: normal, and without one. */
const FOR_GOOD: readonly number[] = [1000, 1005];

export class SessionHub {
  readonly #o: HubOptions;
  readonly #all = new Set<Connection>();
  readonly #byTag = new Map<string, Connection>();
  readonly #channels = new Set<string>();
  #subscriber: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastTouch: number;
  #stopped = false;

  constructor(options: HubOptions) {
    this.#o = options;
    this.#lastTouch = options.now();
  }

  /** Looks after the connections from now on. */
  start(): void {
    const everyMs = Math.min(MOST_BETWEEN_LOOKS_MS, this.#o.heartbeatMs / LOOKS_PER_HEARTBEAT);
    this.#timer = setInterval(() => this.#look(), everyMs);
    this.#timer.unref();
  }

  /** How many connections count for this client. */
  connectionsOf(isOf: (connection: Connection) => boolean): number {
    let found = 0;
    for (const connection of this.#all) if (isOf(connection)) found++;
    return found;
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    if (this.#stopped) connection.wire.close("restart");
    else this.#listen(connection.stream);
  }

  /** A connection has a session now. */
  holds(connection: Connection): void {
    const { held } = connection;
    // One that is gone would be renewed for ever.
    if (held === undefined || !this.#all.has(connection)) return;
    // The word of it finds this one by then.
    this.#byTag.get(held.tag)?.wire.close("taken");
    this.#byTag.set(held.tag, connection);
    this.#o.counts.open++;
    // What came before its channel was heard.
    connection.wake();
  }

  /** A connection is gone; its session may be resumed unless either side ended it. */
  async gone(connection: Connection, code: number): Promise<void> {
    if (!this.#all.delete(connection)) return;
    connection.ended();
    const { held, store, wire } = connection;
    this.#o.counts.closed(endOf(wire.why, code));
    if (held === undefined) return;
    this.#o.counts.open--;
    if (this.#byTag.get(held.tag) === connection) this.#byTag.delete(held.tag);
    if (wire.why === "gone" || wire.why === "taken") return;
    const isOver = wire.why === "total" || (wire.why === undefined && FOR_GOOD.includes(code));
    // Where Redis does not answer, it ends by itself.
    await (isOver ? store.end(held) : store.leave([held])).catch(this.#o.onFailure);
  }

  /** Sends all clients elsewhere. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const { wire } of this.#all) wire.close("restart");
    const deadline = performance.now() + LAST_CLOSING_MS;
    while (this.#all.size > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, PROBES_MS));
    for (const { wire } of this.#all) wire.cut();
    this.#subscriber?.off("message", this.#hear);
    this.#subscriber?.off("ready", this.#again);
  }

  #look(): void {
    const { now, heartbeatMs, idleMs } = this.#o;
    const time = now();
    const isTouch = time - this.#lastTouch >= heartbeatMs;
    for (const connection of this.#all) {
      const { wire } = connection;
      wire.finish(time);
      if (time >= connection.deadline) wire.close("total");
      else if (wire.stalledMs(time) >= heartbeatMs) wire.close("slow");
      else if (wire.idleMs(time) >= (connection.held === undefined ? heartbeatMs : idleMs))
        wire.close("idle");
      // Who does not read yet does not answer pings either, and is judged by that alone.
      else if (wire.stalledMs(time) === 0 && !wire.beat(time, heartbeatMs)) wire.cut();
      if (isTouch) void connection.recheck();
    }
    if (!isTouch) return;
    this.#lastTouch = time;
    for (const [store, connections] of Map.groupBy(this.#byTag.values(), ({ store }) => store))
      void this.#touch(store, connections);
  }

  async #touch(store: SessionStore, connections: readonly Connection[]): Promise<void> {
    const held = connections.flatMap((connection) => connection.held ?? []);
    try {
      const states = await store.touch(held satisfies readonly HeldSession[]);
      states.forEach((state, at) => {
        if (state !== "renewed") connections[at]?.wire.close(state);
      });
    } catch (error) {
      // The next heartbeat tells them again.
      this.#o.onFailure(error);
    }
  }

  #listen(stream: string): void {
    const channel = queueKeys(stream).sessionNews;
    if (this.#channels.has(channel)) return;
    this.#channels.add(channel);
    if (this.#subscriber === undefined) {
      this.#subscriber = this.#o.subscriber();
      this.#subscriber.on("message", this.#hear);
      this.#subscriber.on("ready", this.#again);
    }
    this.#again();
  }

  /** What was said before the channel is heard is read from the streams. */
  readonly #again = (): void => {
    this.#subscriber?.subscribe(...this.#channels).then(() => {
      for (const connection of this.#byTag.values()) connection.wake();
    }, this.#o.onFailure);
  };

  readonly #hear = (channel: string, text: string): void => {
    if (!this.#channels.has(channel)) return;
    const news = parseNews(text);
    if (news.type === "taken") {
      const connection = this.#byTag.get(news.tag);
      if (connection?.held !== undefined && connection.held.holder !== news.holder)
        connection.wire.close("taken");
      return;
    }
    for (const tag of news.tags) {
      const connection = this.#byTag.get(tag);
      if (news.type === "events") connection?.wake();
      else connection?.progress(news.id, news.done, news.note);
    }
  };
}

function endOf(why: SessionEnd | undefined, code: number): SessionEnd {
  if (why !== undefined) return why;
  if (code === SESSION_TOO_LARGE) return "size";
  return FOR_GOOD.includes(code) ? "client" : "lost";
}

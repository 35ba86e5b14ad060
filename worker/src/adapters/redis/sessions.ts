import type { Redis } from "ioredis";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { SessionEvent } from "../../../contract/sessions.ts";
import { QueueFullError } from "../../core/errors.ts";
import { isMemoryFull } from "./producer.ts";
import { SCRIPTS, type ScriptArgument } from "./scripts.ts";

/** Times in ms. */
export interface SessionLimits {
  /** A session is over so long after it was opened. */
  readonly totalMs: number;
  /** It counts as connected so long after each touch. */
  readonly connectedMs: number;
  /** It may be resumed so long after it was left. */
  readonly resumeMs: number;
  readonly perClient: number;
  readonly tasks: number;
  /** Kept for who resumes; the oldest go first. */
  readonly events: number;
}

/** A session as one connection holds it. */
export interface HeldSession {
  readonly tag: string;
  /** Names the connection. */
  readonly holder: string;
}

export interface Resumed {
  readonly leftMs: number;
  /** Number of its last event. */
  readonly last: number;
  readonly following: number;
}

/** An event with its number in its session: 1, 2, 3, ... */
export interface NumberedEvent {
  readonly number: number;
  readonly event: SessionEvent;
}

export type TouchState = "gone" | "renewed" | "taken";
const TOUCH_STATES: readonly TouchState[] = ["gone", "renewed", "taken"];

/** Keys are kept so long beyond the deadline, for who takes care of what is left. */
const FORGET_MS = 60_000;
const MOST_TOUCHED = 500;
const MOST_IDS = 500;

/** The sessions of one queue, for all replicas. */
export class SessionStore {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;
  readonly #prefix: string;
  readonly #limits: SessionLimits;

  constructor(redis: Redis, stream: string, limits: SessionLimits) {
    this.#redis = redis;
    this.#keys = queueKeys(stream);
    this.#prefix = `{${stream}}:`;
    this.#limits = limits;
  }

  /** Whether it was opened; not while all that this client may have are connected. @throws QueueFullError */
  async open({ tag, holder }: HeldSession, client: string): Promise<boolean> {
    const { totalMs, connectedMs, resumeMs, perClient, events } = this.#limits;
    const { sessions, sessionsOf, session, controlChannel } = this.#keys;
    const keys = [sessions, sessionsOf + client, session + tag];
    const times = [totalMs, connectedMs, resumeMs, FORGET_MS];
    const args = [this.#prefix, tag, client, holder, ...times, perClient, events, controlChannel];
    return (await this.#filling(SCRIPTS.sessionOpen.run(this.#redis, keys, args))) === 1;
  }

  /** `after`: the last event that the client has. `undefined`: it has no such session, not any more, or no such event. */
  async resume({ tag, holder }: HeldSession, client: string, after = 0): Promise<Resumed | undefined> {
    const { connectedMs, resumeMs } = this.#limits;
    const { sessions, session, sessionNews } = this.#keys;
    const keys = [sessions, session + tag, `${session}${tag}:events`];
    const args = [this.#prefix, tag, client, holder, connectedMs, resumeMs, sessionNews, after];
    const answer = (await SCRIPTS.sessionResume.run(this.#redis, keys, args)) as number[];
    const [leftMs, last, following] = answer;
    if (leftMs === undefined || last === undefined || following === undefined) return undefined;
    return { leftMs, last, following };
  }

  /** Renews sessions that are connected here. */
  touch(held: readonly HeldSession[]): Promise<TouchState[]> {
    return this.#touch(held, this.#limits.connectedMs);
  }

  /** Their connections are gone: from now on they may be resumed for a while. */
  async leave(held: readonly HeldSession[]): Promise<void> {
    await this.#touch(held, 0);
  }

  async #touch(held: readonly HeldSession[], connectedMs: number): Promise<TouchState[]> {
    const states: TouchState[] = [];
    for (let from = 0; from === 0 || from < held.length; from += MOST_TOUCHED) {
      const args: ScriptArgument[] = [this.#prefix, connectedMs, this.#limits.resumeMs];
      for (const { tag, holder } of held.slice(from, from + MOST_TOUCHED)) args.push(tag, holder);
      const digits = await SCRIPTS.sessionTouch.run(this.#redis, [this.#keys.sessions], args);
      for (const digit of String(digits)) states.push(TOUCH_STATES[Number(digit)] ?? "gone");
    }
    return states;
  }

  /** Forgets it with all that it follows, unless it was resumed elsewhere. */
  async end({ tag, holder }: HeldSession): Promise<void> {
    const { sessions, session } = this.#keys;
    await SCRIPTS.sessionEnd.run(this.#redis, [sessions, session + tag], [this.#prefix, tag, holder]);
  }

  /**
   * Follows tasks and returns how many it follows then; `many`: it would be too many, `gone`: no such session.
   * `onlyOpen`: tasks that ended or are unknown are not told of. @throws QueueFullError
   */
  async follow(tag: string, ids: readonly string[], onlyOpen = false): Promise<number | "many" | "gone"> {
    const { session, followed, stats, index, dueEntries, deadLetters, results, stream } = this.#keys;
    const keys = [session + tag, followed, stats, index, dueEntries, deadLetters];
    const first = [tag, CONSUMER_GROUP, stream, results, this.#limits.tasks, onlyOpen ? 1 : 0];
    const answer = await this.#filling(SCRIPTS.sessionFollow.run(this.#redis, keys, [...first, ...ids]));
    if (answer === -1) return "many";
    return answer === -2 ? "gone" : Number(answer);
  }

  /** Follows these no more; returns how many it still does. */
  async unfollow(tag: string, ids: readonly string[]): Promise<number> {
    const { session, followed } = this.#keys;
    let following = 0;
    for (let from = 0; from === 0 || from < ids.length; from += MOST_IDS) {
      const args = [tag, ...ids.slice(from, from + MOST_IDS)];
      following = Number(await SCRIPTS.sessionUnfollow.run(this.#redis, [session + tag, followed], args));
    }
    return following;
  }

  /** Events after that number, in order. */
  async read(tag: string, after: number, most: number): Promise<NumberedEvent[]> {
    const key = `${this.#keys.session}${tag}:events`;
    const entries = await this.#redis.xrange(key, `(0-${after}`, "+", "COUNT", most);
    return entries.map(([entry, fields]) => ({
      number: Number(entry.slice("0-".length)),
      event: JSON.parse(fields[1] ?? "") as SessionEvent,
    }));
  }

  /** Events up to that number will not be asked for again. */
  async acknowledge(tag: string, number: number): Promise<void> {
    await this.#redis.xtrim(`${this.#keys.session}${tag}:events`, "MINID", `0-${number + 1}`);
  }

  async #filling(answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      throw isMemoryFull(error) ? new QueueFullError(this.#keys.stream, { cause: error }) : error;
    }
  }
}

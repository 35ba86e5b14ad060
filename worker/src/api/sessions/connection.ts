/** One connection: its first message opens or resumes a session, the others are the session's. */
import type { RawData, WebSocket } from "ws";
import { SESSION_CLOSE } from "../../../contract/sessions.ts";
import type { HeldSession, SessionStore } from "../../adapters/redis/sessions.ts";
import type { KeyOwner } from "../../core/api-key.ts";
import { RedisUnavailableError } from "../../core/errors.ts";
import { newHolder, newSessionToken, sessionTag } from "../../core/session-token.ts";
import type { Queue } from "../parts.ts";
import { Problem, problemOf } from "../problems.ts";
import { Jobs } from "./jobs.ts";
import { type ClientMessage, type MessageOf, readMessage, refIn } from "./messages.ts";
import { Session, SessionGone, type SessionParts } from "./session.ts";
import type { Wire } from "./wire.ts";

export interface ConnectionParts {
  readonly ws: WebSocket;
  readonly wire: Wire;
  /** The request's id, by which the log knows it. */
  readonly id: string;
  readonly queue: Queue;
  readonly store: SessionStore;
  /** Whose sessions its sessions count as. */
  readonly client: string;
  /** Whose key it is now; null: nobody's that counts. */
  readonly owner: () => Promise<KeyOwner | null>;
  readonly count: (owner: KeyOwner) => Promise<void>;
  readonly send: SessionParts["send"];
  /** What the client is told of the bounds. */
  readonly limits: { readonly tasks: number; readonly [name: string]: number };
  readonly totalMs: number;
  readonly now: () => number;
  readonly redact: (text: string) => string;
  readonly onReceived: () => void;
  readonly onSession: (how: "opened" | "resumed") => void;
  /** An error that is nobody's fault but ours. */
  readonly onFailure: (error: unknown) => void;
}

/** Messages that wait to be handled before no more are read, and until more are. */
const MANY_MESSAGES = 32;
const FEW_MESSAGES = 8;
/** Until events are asked for again that Redis did not give. */
const RETRY_MS = 500;

export class Connection {
  readonly #o: ConnectionParts;
  readonly #jobs = new Jobs();
  #session: Session | undefined;
  #deadline = Number.POSITIVE_INFINITY;
  #pumping = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: ConnectionParts) {
    this.#o = parts;
    parts.ws.on("message", (data: RawData, isBinary: boolean) => this.#receive(data, isBinary));
  }

  get wire(): Wire {
    return this.#o.wire;
  }

  get store(): SessionStore {
    return this.#o.store;
  }

  get client(): string {
    return this.#o.client;
  }

  get stream(): string {
    return this.#o.queue.stream;
  }

  /** The session that it holds, if any. */
  get held(): HeldSession | undefined {
    return this.#session?.held;
  }

  /** When the session ends, on the clock of `now`. */
  get deadline(): number {
    return this.#deadline;
  }

  /** There may be events. */
  wake(): void {
    if (this.#pumping || this.#session === undefined) return;
    this.#pumping = true;
    this.#jobs.add(() => this.#pump());
  }

  progress(id: string, done: number, note: string): void {
    this.#session?.noteProgress(id, done, note);
    this.wake();
  }

  /** Closes it unless its key still counts. Redis that does not answer is no reason. */
  async recheck(): Promise<void> {
    try {
      if ((await this.#o.owner()) === null) this.wire.close("unauthorized");
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) this.#o.onFailure(error);
    }
  }

  /** The connection is gone. */
  ended(): void {
    clearTimeout(this.#retry);
    this.#jobs.stop();
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#o.onReceived();
    this.wire.heard();
    const text = isBinary ? "" : data.toString();
    this.#jobs.add(() => this.#handle(text));
    if (this.#jobs.waiting > MANY_MESSAGES) this.wire.pause();
  }

  async #handle(text: string): Promise<void> {
    if (!(await this.wire.room())) return;
    try {
      const message = readMessage(text);
      const owner = await this.#o.owner();
      if (owner === null) this.wire.close("unauthorized");
      else await this.#obey(message, owner);
    } catch (error) {
      this.#refuse(error, refIn(text));
    }
    if (this.#jobs.waiting < FEW_MESSAGES) this.wire.resume();
  }

  async #obey(message: ClientMessage, owner: KeyOwner): Promise<void> {
    if (message.type !== "open" && message.type !== "resume") {
      if (this.#session === undefined) throw new Problem("invalid-request", SESSION_CLOSE.protocol.reason);
      return this.#session.handle(message, owner);
    }
    if (this.#session !== undefined)
      throw new Problem("invalid-request", "this connection has a session already");
    return message.type === "open" ? this.#open() : this.#resume(message);
  }

  async #open(): Promise<void> {
    const token = newSessionToken();
    const held = { tag: sessionTag(token), holder: newHolder() };
    if (!(await this.#o.store.open(held, this.#o.client))) return this.wire.close("many");
    if (!this.wire.isOpen) return this.#o.store.end(held);
    this.#begin(held, { token, resumed: false, sent: 0, last: 0, leftMs: this.#o.totalMs });
  }

  async #resume({ token, after = "0" }: MessageOf<"resume">): Promise<void> {
    const held = { tag: sessionTag(token), holder: newHolder() };
    const sent = Number(after);
    const found = await this.#o.store.resume(held, this.#o.client, sent);
    if (found === undefined) return this.wire.close("gone");
    if (!this.wire.isOpen) return this.#o.store.leave([held]);
    this.#begin(held, { token, resumed: true, sent, last: found.last, leftMs: found.leftMs });
    this.wake();
  }

  #begin(
    held: HeldSession,
    how: { token: string; resumed: boolean; sent: number; last: number; leftMs: number },
  ): void {
    const { store, queue, wire, count, send, limits, now, onSession } = this.#o;
    this.#deadline = now() + how.leftMs;
    this.#session = new Session({ held, store, queue, wire, count, send, mostTasks: limits.tasks }, how.sent);
    onSession(how.resumed ? "resumed" : "opened");
    const { token, resumed, last, leftMs } = how;
    const ends_in = Math.floor(leftMs / 1000);
    wire.send(JSON.stringify({ type: "session", token, resumed, cursor: String(last), ends_in, limits }));
  }

  async #pump(): Promise<void> {
    this.#pumping = false;
    try {
      await this.#session?.pump();
    } catch (error) {
      if (error instanceof RedisUnavailableError) this.#retry = setTimeout(() => this.wake(), RETRY_MS);
      else this.#o.onFailure(error);
    }
  }

  #refuse(error: unknown, ref: string | undefined): void {
    if (error instanceof SessionGone) {
      this.wire.close("gone");
      return;
    }
    const problem = problemOf(error);
    if (problem.slug === "internal") this.#o.onFailure(error);
    const body = problem.body(this.#o.id);
    const message = { type: "error", ...(ref === undefined ? {} : { ref }), problem: body };
    this.wire.send(this.#o.redact(JSON.stringify(message)));
    if (this.#session === undefined && problem.status < 500) this.wire.close("protocol");
  }
}

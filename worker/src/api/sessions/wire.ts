/** One client's WebSocket: what waits for the client is bounded, and one that is gone or does not read is found out. */
import type { WebSocket } from "ws";
import { SESSION_CLOSE, type SessionClose } from "../../../contract/sessions.ts";

export interface WireOptions {
  /** Nothing further is sent while so many bytes wait for the client. */
  readonly bufferBytes: number;
  /** Ms of a clock that never goes back. */
  readonly now: () => number;
  readonly onSent: () => void;
}

/** For the closing handshake; then the connection is cut. */
const CLOSING_MS = 2_000;

export class Wire {
  readonly #ws: WebSocket;
  readonly #o: WireOptions;
  #flushed: Promise<void> = Promise.resolve();
  #stalledSince: number | null = null;
  #closingSince: number | null = null;
  #lastActive: number;
  #lastBeat: number;
  #isAlive = true;
  #why: SessionClose | undefined;

  constructor(ws: WebSocket, options: WireOptions) {
    this.#ws = ws;
    this.#o = options;
    this.#lastActive = options.now();
    this.#lastBeat = this.#lastActive;
    ws.on("pong", () => {
      this.#isAlive = true;
    });
  }

  get isOpen(): boolean {
    return this.#closingSince === null && this.#ws.readyState === this.#ws.OPEN;
  }

  /** Why the server closed it; `undefined` while it has not. */
  get why(): SessionClose | undefined {
    return this.#why;
  }

  /** The client said something. */
  heard(): void {
    this.#isAlive = true;
    this.#lastActive = this.#o.now();
  }

  send(message: string): void {
    if (!this.isOpen) return;
    this.#lastActive = this.#o.now();
    this.#flushed = new Promise((resolve) => this.#ws.send(message, () => resolve()));
    this.#o.onSent();
  }

  /** Waits until less than the bound waits for the client. Whether the connection is open then. */
  async room(): Promise<boolean> {
    while (this.isOpen && this.#ws.bufferedAmount > this.#o.bufferBytes) {
      this.#stalledSince ??= this.#o.now();
      await this.#flushed;
    }
    this.#stalledSince = null;
    return this.isOpen;
  }

  /** Nothing more is read from the client for now. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    if (this.#ws.isPaused) this.#ws.resume();
  }

  /** For how long neither side said anything. */
  idleMs(now: number): number {
    return now - this.#lastActive;
  }

  /** For how long the client has not read what waits for it. */
  stalledMs(now: number): number {
    return this.#stalledSince === null ? 0 : now - this.#stalledSince;
  }

  /** Pings when it is time. Whether the client is there: it has answered the last ping. */
  beat(now: number, everyMs: number): boolean {
    if (this.#ws.isPaused) {
      // Its pongs are not read either.
      this.#isAlive = true;
      this.#lastBeat = now;
      return true;
    }
    if (now - this.#lastBeat < everyMs) return true;
    if (!this.#isAlive) return false;
    this.#isAlive = false;
    this.#lastBeat = now;
    if (this.isOpen) this.#ws.ping();
    return true;
  }

  close(why: SessionClose): void {
    if (!this.isOpen) return;
    this.#why = why;
    this.#closingSince = this.#o.now();
    // What is not read now would keep the close frame from being read.
    this.#ws.resume();
    this.#ws.close(SESSION_CLOSE[why].code, SESSION_CLOSE[why].reason);
  }

  /** Cuts a connection whose client does not answer its closing. */
  finish(now: number): void {
    if (this.#closingSince !== null && now - this.#closingSince >= CLOSING_MS) this.cut();
  }

  cut(): void {
    this.#ws.terminate();
  }
}

import type { Redis } from "ioredis";
import { queueKeys } from "../../../contract/queue-keys.ts";

/** A wish that reaches workers between heartbeats. */
export type ControlMessage =
  | { readonly type: "pause"; readonly stream: string }
  | { readonly type: "resume"; readonly stream: string }
  /** The first session was opened, or the record was switched on. */
  | { readonly type: "announce"; readonly stream: string }
  | { readonly type: "cancel"; readonly stream: string; readonly id: string };

/**
 * Tells a worker of pauses, cancels and who wants to know of its tasks at once. A message may be missed while the connection is down; the next
 * heartbeat tells the same.
 */
export class ControlSubscriber {
  readonly #subscriber: Redis;
  readonly #streams: ReadonlyMap<string, string>;
  readonly #listener: (message: ControlMessage) => void;
  readonly #onMessage = (channel: string, text: string): void => {
    const stream = this.#streams.get(channel);
    const message = stream === undefined ? undefined : parse(stream, text);
    if (message !== undefined) this.#listener(message);
  };

  /** `subscriber`: a connection of profile `subscriber`. */
  constructor(subscriber: Redis, streams: readonly string[], listener: (message: ControlMessage) => void) {
    this.#subscriber = subscriber;
    this.#streams = new Map(streams.map((stream) => [queueKeys(stream).controlChannel, stream]));
    this.#listener = listener;
  }

  async start(): Promise<void> {
    this.#subscriber.on("message", this.#onMessage);
    await this.#subscriber.subscribe(...this.#streams.keys());
  }

  /** Stops listening; the connection stays open. */
  stop(): void {
    this.#subscriber.off("message", this.#onMessage);
  }
}

function parse(stream: string, text: string): ControlMessage | undefined {
  if (text === "pause" || text === "resume" || text === "announce") return { type: text, stream };
  const [word, id] = text.split(" ");
  return word === "cancel" && id !== undefined ? { type: "cancel", stream, id } : undefined;
}

import type { Redis } from "ioredis";

const EVERY_MS = 5_000;

/**
 * Notices a server that went silent without closing its connections, as one that was cut off or stopped: another may have
 * taken over, and nobody would tell. The connection is then made anew, and what waits on it is sent again. It keeps no
 * process alive. Not for connections that block.
 */
export class Pulse {
  readonly #redis: Redis;
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  watch(): void {
    this.#redis.on("ready", () => {
      this.#stop();
      this.#timer = setInterval(() => this.#beat(), EVERY_MS).unref();
      this.#answered = true;
    });
    this.#redis.on("close", () => this.#stop());
  }

  #answered = true;

  #beat(): void {
    // Behind what the socket holds: a busy event loop must not take an answer that is there for silence.
    if (!this.#answered) {
      setImmediate(() => {
        if (!this.#answered && this.#redis.status === "ready") this.#redis.disconnect(true);
      }).unref();
      return;
    }
    this.#answered = false;
    this.#redis.ping().then(
      () => {
        this.#answered = true;
      },
      // One that was in vain is no answer.
      () => {},
    );
  }

  #stop(): void {
    clearInterval(this.#timer);
  }
}

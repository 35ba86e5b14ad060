import type { Redis } from "ioredis";
import { SCRIPTS } from "./scripts.ts";

/** A lease that one holder has at a time; it ends by itself when it is not renewed. */
export class LeaderLease {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #holder: string;
  readonly #ttlMs: number;

  /** `holder`: unique per process start. */
  constructor(redis: Redis, key: string, holder: string, ttlMs: number) {
    this.#redis = redis;
    this.#key = key;
    this.#holder = holder;
    this.#ttlMs = ttlMs;
  }

  /** Takes the lease or renews it for `ttlMs`; whether this holder has it now. */
  async acquireOrRenew(): Promise<boolean> {
    const args = [this.#holder, Math.round(this.#ttlMs)];
    return (await SCRIPTS.leaseAcquire.run(this.#redis, [this.#key], args)) === 1;
  }

  /** Gives it up, if this holder has it. */
  async release(): Promise<void> {
    await SCRIPTS.leaseRelease.run(this.#redis, [this.#key], [this.#holder]);
  }

  /** Who has it; `null`: nobody. */
  async holder(): Promise<string | null> {
    return this.#redis.get(this.#key);
  }
}

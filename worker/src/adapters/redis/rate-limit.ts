import type { Redis } from "ioredis";
import { FLEET_KEYS } from "../../../contract/fleet-keys.ts";
import { SCRIPTS } from "./scripts.ts";

export interface RateAnswer {
  readonly allowed: boolean;
  /** Calls that may follow at once. */
  readonly left: number;
  /** Until one more may, in ms. */
  readonly resetMs: number;
}

/** How often a client may call in any `windowMs`, for all processes of this Redis together. */
export class RateLimit {
  readonly #redis: Redis;
  readonly #windowMs: number;

  constructor(redis: Redis, windowMs: number) {
    this.#redis = redis;
    this.#windowMs = windowMs;
  }

  /** Counts a call of `client`, of at most `most` (1 or more), unless it is refused. */
  async count(client: string, most: number): Promise<RateAnswer> {
    const keys = [FLEET_KEYS.rate + client];
    const answer = await SCRIPTS.rateLimit.run(this.#redis, keys, [most, this.#windowMs]);
    const [allowed, left, resetMs] = answer as [number, number, number];
    return { allowed: allowed === 1, left, resetMs };
  }
}

import type { Redis } from "ioredis";
import { queueKeys } from "../../../contract/queue-keys.ts";
import type { DrainReason } from "../../ports/actuator.ts";

/** Why a container was asked to end, and when: ms since the epoch by the watcher's clock. */
export interface Drain {
  readonly reason: DrainReason;
  readonly atMs: number;
}

/** Who was asked to end, by run of a container, for a watcher that comes after. */
export class Drains {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: Redis, stream: string) {
    this.#redis = redis;
    this.#key = queueKeys(stream).drains;
  }

  async read(): Promise<Map<string, Drain>> {
    const fields = Object.entries(await this.#redis.hgetall(this.#key));
    return new Map(
      fields.map(([run, text]) => {
        const [reason, atMs] = text.split(" ");
        return [run, { reason: reason === "idle" ? "idle" : "signal", atMs: Number(atMs) }] as const;
      }),
    );
  }

  async add(runs: readonly string[], { reason, atMs }: Drain): Promise<void> {
    if (runs.length === 0) return;
    await this.#redis.hset(this.#key, Object.fromEntries(runs.map((run) => [run, `${reason} ${atMs}`])));
  }

  async drop(runs: readonly string[]): Promise<void> {
    if (runs.length > 0) await this.#redis.hdel(this.#key, ...runs);
  }
}

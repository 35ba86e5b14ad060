import type { Redis } from "ioredis";
import { type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { Circuits, Permit, Verdict } from "../../ports/circuits.ts";
import { serverTimeMs } from "./queue-status.ts";
import { SCRIPTS } from "./scripts.ts";

export interface CircuitOptions {
  readonly redis: Redis;
  /** Whose workers share the circuits. */
  readonly stream: string;
  /** Failures in a row that open a circuit. */
  readonly failures: number;
  /** How long it is open, in ms. */
  readonly openMs: number;
  readonly onChange: (name: string, state: "opened" | "closed") => void;
  /** Redis could not be asked or told. */
  readonly onFailure: (error: unknown) => void;
}

/** A service is not made to wait for Redis longer than this. */
const PATIENCE_MS = 1_000;
/** States of a connection that would keep a question until it is made again, when nobody waits for the answer. */
const LOST = ["reconnecting", "close", "end"];
/** A circuit that nobody closes is forgotten after so many times its open time. */
const KEPT = 10;
/** Most names that are listed. */
const LISTED = 50;

/**
 * Circuits whose state all workers of a stream share. Where Redis does not answer they fail open: the call goes
 * ahead, for its task's own time limit still bounds it.
 */
export class RedisCircuits implements Circuits {
  readonly #o: CircuitOptions;
  readonly #keys: QueueKeys;

  constructor(options: CircuitOptions) {
    this.#o = options;
    this.#keys = queueKeys(options.stream);
  }

  async enter(name: string): Promise<Permit> {
    const keys = [this.#keys.circuits + name];
    const answer = await this.#ask(() => SCRIPTS.circuitEnter.run(this.#o.redis, keys, [this.#openMs]));
    const [waitMs, probe] = (answer ?? [0, ""]) as [number, string];
    return { waitMs, probe };
  }

  async report(name: string, { probe }: Permit, verdict: Verdict): Promise<void> {
    if (verdict === "none" && probe === "") return;
    const { circuits, circuitsOpen, stats } = this.#keys;
    const args = [name, verdict, probe, this.#o.failures, this.#openMs, this.#openMs * KEPT];
    const changed = await this.#ask(() =>
      SCRIPTS.circuitReport.run(this.#o.redis, [circuits + name, circuitsOpen, stats], args),
    );
    if (changed === "opened" || changed === "closed") this.#o.onChange(name, changed);
  }

  get #openMs(): number {
    return Math.round(this.#o.openMs);
  }

  /** A script's answer; `undefined` when there is none in time. */
  async #ask(run: () => Promise<unknown>): Promise<unknown> {
    const { redis, onFailure } = this.#o;
    if (LOST.includes(redis.status)) {
      onFailure(new Error(`Redis is not connected (${redis.status})`));
      return undefined;
    }
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`Redis did not answer within ${PATIENCE_MS} ms`)),
      PATIENCE_MS,
    );
    try {
      return await Promise.race([run(), late.promise]);
    } catch (error) {
      onFailure(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Names of a stream's circuits that are not closed, at most 50, the one that opened last first. */
export async function openCircuits(redis: Redis, stream: string): Promise<readonly string[]> {
  const { circuitsOpen } = queueKeys(stream);
  const now = String(await serverTimeMs(redis));
  return redis.zrange(circuitsOpen, "+inf", now, "BYSCORE", "REV", "LIMIT", 0, LISTED);
}

import type { Redis } from "ioredis";
import { queueKeys } from "../../../contract/queue-keys.ts";
import { NoReplicaError, RedisUnavailableError } from "../../core/errors.ts";
import { connectionOf } from "./connection.ts";
import { SCRIPTS } from "./scripts.ts";

/** A replica confirms so many at least. */
const REPLICAS = 1;

/** How a push is to be kept before it returns. */
export interface Replicated {
  /** How long a replica may take to confirm, in ms. */
  readonly timeoutMs: number;
}

/** What the settings ask for; `undefined`: a push returns when the master has it. */
export function durabilityOf(settings: {
  readonly durability: string;
  /** In s. */
  readonly replicaTimeout: number;
}): Replicated | undefined {
  if (settings.durability !== "replicated") return undefined;
  return { timeoutMs: Math.round(settings.replicaTimeout * 1000) };
}

/** What Redis itself said. */
const isReply = (error: unknown) => error instanceof Error && error.name === "ReplyError";

/** How many replicas are in step with the master. */
async function replicasOf(redis: Redis): Promise<number> {
  const info = await redis.info("replication");
  return info.match(/^slave\d+:.*state=online/gm)?.length ?? 0;
}

/** @throws NoReplicaError, RedisUnavailableError */
export async function demandReplica(redis: Redis, stream: string): Promise<void> {
  if ((await replicasOf(connectionOf(redis, stream))) < REPLICAS) throw new NoReplicaError();
}

/**
 * Has a replica confirm what was written over one connection. `WAIT` knows of its own connection's writes alone, so a
 * confirmation counts only when nothing was made anew between write and answer.
 */
export class ReplicaWait {
  readonly timeoutMs: number;
  readonly #redis: Redis;
  readonly #stream: string;
  #hadReplica = false;
  #next: Promise<number> | undefined;

  /** `redis`: best a connection for pushes alone, for it is held while a replica is waited for. */
  constructor(redis: Redis, stream: string, { timeoutMs }: Replicated) {
    this.#redis = connectionOf(redis, stream);
    this.#stream = stream;
    this.timeoutMs = timeoutMs;
  }

  /**
   * Writes, and tells whether a replica has it; `write` works over the same connection.
   * @throws NoReplicaError, at the first call, before anything is written.
   */
  async confirmed<T>(write: () => Promise<T>): Promise<{ readonly value: T; readonly confirmed: boolean }> {
    if (!this.#hadReplica) await demandReplica(this.#redis, this.#stream);
    this.#hadReplica = true;
    if (this.#redis.status !== "ready") await this.#redis.ping();
    const { stream } = this.#redis;
    const value = await write();
    // What is written is in, whatever becomes of the question: a master that was just demoted refuses it.
    const replicas = await this.#ask().catch((error: unknown) => {
      if (error instanceof RedisUnavailableError || isReply(error)) return 0;
      throw error;
    });
    return { value, confirmed: replicas >= REPLICAS && this.#redis.stream === stream };
  }

  /** One question for all writes whose answers came together. */
  #ask(): Promise<number> {
    this.#next ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#next = undefined;
        // A push of known ids alone writes nothing, and `WAIT` would not look at it.
        // Not by its digest: a server that does not know that would be told the text behind the question.
        const marked = this.#redis.eval(SCRIPTS.replicated.text, 1, queueKeys(this.#stream).replicated);
        const asked = this.#redis.wait(REPLICAS, this.timeoutMs);
        Promise.all([marked, asked]).then(([, replicas]) => resolve(replicas), reject);
      });
    });
    return this.#next;
  }
}

import type { Redis } from "ioredis";
import { priorityStreams } from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import { connectionOf } from "./connection.ts";
import { DeadLetters } from "./dead-letters.ts";
import { serverTimeMs } from "./queue-status.ts";
import { SCRIPTS } from "./scripts.ts";

/** What a purge may take; running tasks never. Parked tasks are waiting ones. */
export type PurgeState = "waiting" | "delayed" | "dead";

export interface PurgeOrder {
  readonly states: ReadonlySet<PurgeState>;
  /** Default: any. */
  readonly kind?: string | undefined;
  /** Only what was pushed (dead letters: buried) so long ago, in ms. */
  readonly olderThanMs: number;
  /** Only counts. */
  readonly dryRun: boolean;
  /** How long the results of purged tasks are kept, in s. */
  readonly resultTtlSeconds: number;
}

/** How many went, by kind and state. */
export type Purged = ReadonlyMap<string, Readonly<Record<PurgeState, number>>>;

/** Tasks looked at in one script call. */
const SCAN = 100;
/** Kind, how many, kind, how many, and so on. */
type Tallies = readonly (string | number)[];

/**
 * Takes tasks out of a queue: what is there when the purge begins, part by part, each part in one step. Waiting and
 * delayed tasks get the result `cancelled`, so that nobody waits for them in vain; dead letters are gone.
 */
export class Purge {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;
  readonly #order: PurgeOrder;
  readonly #purged = new Map<string, Record<PurgeState, number>>();

  constructor(redis: Redis, stream: string, order: PurgeOrder) {
    this.#redis = connectionOf(redis, stream);
    this.#keys = queueKeys(stream);
    this.#order = order;
  }

  /** Runs it once. */
  async run(): Promise<Purged> {
    const { states, olderThanMs } = this.#order;
    const by = (await serverTimeMs(this.#redis)) - olderThanMs;
    // Delayed ones first: what comes due meanwhile is found among the waiting ones.
    if (states.has("delayed")) await this.#packed("delayed", this.#keys.due, by);
    if (states.has("waiting")) {
      for (const kind of await this.#redis.zrange(this.#keys.parkedKinds, "0", "-1"))
        await this.#packed("waiting", this.#keys.parked + kind, by);
      for (const stream of priorityStreams(this.#keys.stream)) await this.#waiting(stream, by);
    }
    if (states.has("dead")) await this.#dead(by);
    return this.#purged;
  }

  /** The waiting tasks of one priority's stream. */
  async #waiting(stream: string, by: number): Promise<void> {
    const { index, stats, results } = this.#keys;
    // What is added from now on is not meant; without an end, a busy queue would have none.
    const last = `${await serverTimeMs(this.#redis)}`;
    let from = "-";
    while (from !== "") {
      const args = [...this.#head(by), CONSUMER_GROUP, from, last, SCAN, results];
      const answer = await SCRIPTS.purgeWaiting.run(this.#redis, [stream, index, stats], args);
      const [next, tallies] = answer as [string, Tallies];
      this.#count("waiting", tallies);
      from = next;
    }
  }

  /** The tasks of a sorted set, whose fields are in `dueEntries`. */
  async #packed(state: PurgeState, set: string, by: number): Promise<void> {
    const { index, stats, dueEntries, results } = this.#keys;
    const ids = await this.#redis.zrange(set, "0", "-1");
    for (let from = 0; from < ids.length; from += SCAN) {
      const part = ids.slice(from, from + SCAN);
      const keys = [index, stats, set, dueEntries, ...part.map((id) => results + id)];
      const answer = await SCRIPTS.purgeDelayed.run(this.#redis, keys, [...this.#head(by), ...part]);
      this.#count(state, answer as Tallies);
    }
  }

  async #dead(by: number): Promise<void> {
    const { stream, deadLetters, deadLetterOrder } = this.#keys;
    for await (const page of new DeadLetters(this.#redis, stream).pages({ kind: this.#order.kind })) {
      const meant = page.filter(({ buried_at }) => buried_at <= by);
      const args = meant.flatMap(({ id, buried_at }) => [id, buried_at]);
      const gone =
        this.#order.dryRun || meant.length === 0
          ? "1".repeat(meant.length)
          : String(await SCRIPTS.purgeDead.run(this.#redis, [deadLetters, deadLetterOrder], args));
      meant.forEach(({ kind }, i) => {
        if (gone[i] === "1") this.#add(kind, "dead", 1);
      });
    }
  }

  /** The arguments that both scripts for tasks begin with. */
  #head(by: number): (string | number)[] {
    const { kind = "", dryRun, resultTtlSeconds } = this.#order;
    return [kind, by, dryRun ? 1 : 0, resultTtlSeconds, this.#keys.settledChannel];
  }

  #count(state: PurgeState, tallies: Tallies): void {
    for (let i = 0; i + 1 < tallies.length; i += 2)
      this.#add(String(tallies[i]), state, Number(tallies[i + 1]));
  }

  #add(kind: string, state: PurgeState, amount: number): void {
    const counts = this.#purged.get(kind) ?? { waiting: 0, delayed: 0, dead: 0 };
    counts[state] += amount;
    this.#purged.set(kind, counts);
  }
}

import type { Redis } from "ioredis";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import { SCRIPTS } from "./scripts.ts";

/** An entry that a worker holds, and for how long nothing was heard of it. */
export interface HeldEntry {
  readonly state: "held";
  readonly stream: string;
  readonly entryId: string;
  readonly workerId: string;
  readonly silentMs: number;
}

/** `waiting`: in a stream, due or parked. `ended`: it has a result or is a dead letter. `gone`: no task has the id. */
export type TaskPlace = HeldEntry | { readonly state: "waiting" | "ended" | "gone" };

/** How long silence may last, and how often a task may be taken back. */
export interface DeliveryLimits {
  readonly leaseMs: number;
  readonly maxDeliveries: number;
}

const MOST_IDS_PER_CALL = 500;
const LEASE = "lease-ms";
const DELIVERIES = "max-deliveries";

/** Where the tasks of one queue are. */
export class TaskPlaces {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;

  constructor(redis: Redis, stream: string) {
    this.#redis = redis;
    this.#keys = queueKeys(stream);
  }

  /** Places in the order of the ids; those of one call are seen at one moment. */
  async find(ids: readonly string[]): Promise<TaskPlace[]> {
    const { stream, index, deadLetters, results } = this.#keys;
    const places: TaskPlace[] = [];
    for (let from = 0; from < ids.length; from += MOST_IDS_PER_CALL) {
      const args = [CONSUMER_GROUP, results, ...ids.slice(from, from + MOST_IDS_PER_CALL)];
      const answer = await SCRIPTS.locate.run(this.#redis, [stream, index, deadLetters], args);
      places.push(...(answer as string[]).map(placeOf));
    }
    return places;
  }

  /** Has everyone know by which limits the leading spawner takes tasks back. */
  async publishLimits({ leaseMs, maxDeliveries }: DeliveryLimits): Promise<void> {
    const fields = [LEASE, Math.round(leaseMs), DELIVERIES, maxDeliveries];
    await SCRIPTS.recordScaling.run(this.#redis, [this.#keys.scaling], fields);
  }

  /** As the last leading spawner published them; undefined when none ever led. */
  async limits(): Promise<DeliveryLimits | undefined> {
    const [lease, deliveries] = await this.#redis.hmget(this.#keys.scaling, LEASE, DELIVERIES);
    if (lease == null || deliveries == null) return undefined;
    return { leaseMs: Number(lease), maxDeliveries: Number(deliveries) };
  }
}

/** A consumer's name stands last: it may be anything. */
function placeOf(text: string): TaskPlace {
  const [, silent, stream, entryId, workerId] = /^held (\d+) (\S+) (\S+) (.*)$/.exec(text) ?? [];
  if (stream === undefined || entryId === undefined)
    return { state: text === "waiting" || text === "ended" ? text : "gone" };
  return { state: "held", stream, entryId, workerId: workerId ?? "", silentMs: Number(silent) };
}

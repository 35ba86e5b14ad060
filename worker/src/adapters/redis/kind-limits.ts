import type { Redis } from "ioredis";
import type { KindLimits, LimitsByKind } from "../../../contract/kind-limits.ts";
import { priorityStream } from "../../../contract/priorities.ts";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { DeliveredTask } from "../../core/task.ts";
import { SCRIPTS, type ScriptArgument } from "./scripts.ts";

/**
 * Whether a task of a limited kind may start. `gone`: it was taken back meanwhile. `parked`: it waits for its turn
 * outside of the stream. `cancelled`: it was asked to stop, and has its result.
 */
export type Admission = "gone" | "admitted" | "parked" | "cancelled";

const ADMISSIONS = ["gone", "admitted", "parked", "cancelled"] as const satisfies readonly Admission[];

/**
 * A worker's side of the limits, which all workers of a queue share through Redis. What has waited its turn comes
 * back in the stream of high priority, so that no backlog keeps it from its slot.
 */
export class KindLimiter {
  readonly #redis: Redis;
  readonly #workerId: string;
  readonly #limits: LimitsByKind;

  constructor(redis: Redis, workerId: string, limits: LimitsByKind) {
    this.#redis = redis;
    this.#workerId = workerId;
    this.#limits = limits;
  }

  /** Whether tasks of this kind need `admit` before they start. */
  limits(kind: string): boolean {
    return this.#limits.has(kind);
  }

  /** Takes a slot and a start for a held task, or parks it. Repeating the call is safe. */
  async admit(task: DeliveredTask): Promise<Admission> {
    const keys = queueKeys(task.stream);
    const { high, index, cancelled, stats, dueEntries, parkedKinds, results } = keys;
    const stream = priorityStream(task.stream, task.priority);
    const kindKeys = [keys.slots + task.kind, keys.starts + task.kind, keys.parked + task.kind];
    const answer = await SCRIPTS.admit.run(
      this.#redis,
      [stream, index, cancelled, stats, dueEntries, parkedKinds, ...kindKeys, results + task.id, high],
      [
        ...[CONSUMER_GROUP, this.#workerId, keys.settledChannel, task.entryId, task.deliveryCount, task.id],
        ...this.#law(task.kind),
      ],
    );
    return ADMISSIONS[Number(answer)] ?? "gone";
  }

  /** Gives on the slot of a task that this worker no longer holds; returns how many parked ones that calls. */
  async ended(task: DeliveredTask): Promise<number> {
    const keys = queueKeys(task.stream);
    const { high, index, dueEntries, parkedKinds } = keys;
    const stream = priorityStream(task.stream, task.priority);
    const kindKeys = [keys.slots + task.kind, keys.starts + task.kind, keys.parked + task.kind];
    const answer = await SCRIPTS.unpark.run(
      this.#redis,
      [high, index, dueEntries, parkedKinds, ...kindKeys],
      [CONSUMER_GROUP, stream, task.entryId, ...this.#law(task.kind)],
    );
    return Number(answer);
  }

  #law(kind: string): ScriptArgument[] {
    return law(kind, this.#limits.get(kind) ?? {});
  }
}

/** The limits' upkeep for one queue: what its leading spawner does. */
export class ParkedTasks {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;
  readonly #laws: readonly ScriptArgument[];

  constructor(redis: Redis, stream: string, limits: LimitsByKind) {
    this.#redis = redis;
    this.#keys = queueKeys(stream);
    this.#laws = [...limits].flatMap(([kind, own]) => law(kind, own));
  }

  /** Calls parked tasks whose time has come to the stream; `nextDueMs`: server time, `null` when only a slot helps. */
  promote(): Promise<{ readonly promoted: number; readonly nextDueMs: number | null }> {
    return this.#unpark(false);
  }

  /** Frees the slots of tasks that ended without a word, and calls what then may start. */
  async sweep(): Promise<void> {
    await this.#unpark(true);
  }

  async #unpark(sweep: boolean) {
    const { high, index, dueEntries, parkedKinds, slots, starts, parked } = this.#keys;
    const args = [CONSUMER_GROUP, sweep ? 1 : 0, slots, starts, parked, ...this.#laws];
    const keys = [high, index, dueEntries, parkedKinds];
    const [promoted, next] = (await SCRIPTS.unparkDue.run(this.#redis, keys, args)) as [number, string];
    return { promoted, nextDueMs: next === "" ? null : Number(next) };
  }
}

/** As the scripts take it; 0 is no limit. */
function law(kind: string, { concurrency, rate }: KindLimits): ScriptArgument[] {
  return [kind, concurrency ?? 0, rate?.tasks ?? 0, rate?.perMs ?? 0];
}

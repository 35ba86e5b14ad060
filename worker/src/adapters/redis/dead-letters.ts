import type { Redis } from "ioredis";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { AttemptError, DeadLetter, DeadLetterExport } from "../../../contract/records.ts";
import { QueueFullError } from "../../core/errors.ts";
import type { DeliveredTask } from "../../core/task.ts";
import { isMemoryFull } from "./producer.ts";
import { SCRIPTS, type ScriptArgument } from "./scripts.ts";

/**
 * What became of a dead letter. All but `requeued` mean that nothing was done: its task waits, runs or has a
 * result, this burial was requeued before, or nobody knows the id.
 */
export interface Requeued {
  readonly id: string;
  readonly state: "requeued" | "waiting" | "running" | "settled" | "already-requeued" | "unknown";
}

const STATES = ["unknown", "requeued", "waiting", "running", "settled", "already-requeued"] as const;

/** How long a requeued burial is remembered; an older export file could requeue it a second time. */
const REQUEUE_MEMORY_MS = 90 * 24 * 3_600_000;
const PAGE = 500;

/** JSON text of a dead letter without its last field, `buried_at`, and closing brace: the server adds its time. */
export function deadLetterPrefix(task: DeliveredTask, error: AttemptError): string {
  const letter: Omit<DeadLetter, "buried_at"> = {
    v: 1,
    id: task.id,
    kind: task.kind,
    payload: task.payloadText,
    options: Object.keys(task.options).length === 0 ? "" : JSON.stringify(task.options),
    enqueued_at: task.enqueuedAt,
    attempts: task.attempts + 1,
    deliveries: task.deliveries,
    errors: [...task.errors, error],
    message: `Moved to DLQ: ${error.message}`,
  };
  return JSON.stringify(letter).slice(0, -1);
}

/** The dead-letter queue of one stream. */
export class DeadLetters {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;

  constructor(redis: Redis, stream: string) {
    this.#redis = redis;
    this.#keys = queueKeys(stream);
  }

  /** Dead letters, oldest burial first (by id within a millisecond); at most `limit` (default: all) of one `kind` (default: any). */
  async list({
    kind,
    limit = Number.POSITIVE_INFINITY,
  }: {
    kind?: string;
    limit?: number;
  } = {}): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const letter of this.#all()) {
      if (letters.length >= limit) break;
      if (kind === undefined || letter.kind === kind) letters.push(letter);
    }
    return letters;
  }

  /** Everything, in the form of an export file. */
  async export(filter: { kind?: string } = {}): Promise<DeadLetterExport> {
    const tasks = await this.list(filter);
    return { v: 1, stream: this.#keys.stream, exported_at: Date.now(), tasks };
  }

  /** The letters of these ids, in their order; unknown ids are left out. */
  async byIds(ids: readonly string[]): Promise<DeadLetter[]> {
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(this.#keys.deadLetters, ...ids);
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as DeadLetter]));
  }

  /**
   * Puts letters (of this queue or of an export file) back as new tasks: attempts start again, the error
   * history stays. Repeating it is safe: each burial goes back once. `dryRun` only tells. Up to 500 letters go
   * all or none. Throws `QueueFullError`, `RedisUnavailableError`.
   */
  async requeue(letters: readonly DeadLetter[], { dryRun = false } = {}): Promise<Requeued[]> {
    const items = letters.map((letter) => [
      letter.id,
      letter.buried_at,
      letter.kind,
      letter.payload,
      letter.options,
      letter.enqueued_at,
      letter.errors.length === 0 ? "" : JSON.stringify(letter.errors),
    ]);
    return this.#requeue(items, dryRun);
  }

  /** Requeues by id; for an id that is no dead letter tells where its task is. */
  async requeueIds(ids: readonly string[], { dryRun = false } = {}): Promise<Requeued[]> {
    const letters = new Map((await this.byIds(ids)).map((letter) => [letter.id, letter]));
    const known = await this.requeue([...letters.values()], { dryRun });
    const others = ids.filter((id) => !letters.has(id)).map((id) => [id, 0, "", "", "", 0, ""]);
    const states = [...known, ...(await this.#requeue(others, dryRun))];
    const byId = new Map(states.map((requeued) => [requeued.id, requeued]));
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  async #requeue(items: readonly ScriptArgument[][], dryRun: boolean): Promise<Requeued[]> {
    const { stream, index, stats, deadLetters, deadLetterOrder, requeued, results } = this.#keys;
    const states: Requeued[] = [];
    for (let from = 0; from < items.length; from += PAGE) {
      const part = items.slice(from, from + PAGE);
      const ids = part.map(([id]) => String(id));
      const keys = [stream, index, stats, deadLetters, deadLetterOrder, requeued];
      const head = [CONSUMER_GROUP, REQUEUE_MEMORY_MS, dryRun ? 1 : 0];
      const resultKeys = ids.map((id) => results + id);
      const digits = await SCRIPTS.requeue
        .run(this.#redis, [...keys, ...resultKeys], [...head, ...part.flat()])
        .catch((error: unknown) => {
          if (!isMemoryFull(error)) throw error;
          const enqueued = states.flatMap(({ id, state }) => (state === "requeued" ? [id] : []));
          throw new QueueFullError(stream, { cause: error, enqueued });
        });
      ids.forEach((id, i) => {
        states.push({ id, state: STATES[Number(String(digits)[i])] ?? "unknown" });
      });
    }
    return states;
  }

  /**
   * Pages over the order by its own ids, taken once: a letter requeued meanwhile is skipped, and none that
   * stays is missed.
   */
  async *#all(): AsyncGenerator<DeadLetter> {
    const ids = await this.#redis.zrange(this.#keys.deadLetterOrder, "0", "-1");
    for (let from = 0; from < ids.length; from += PAGE) yield* await this.byIds(ids.slice(from, from + PAGE));
  }
}

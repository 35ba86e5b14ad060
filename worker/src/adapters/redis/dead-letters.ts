import type { Redis } from "ioredis";
import { CONSUMER_GROUP, type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { AttemptError, DeadLetter, DeadLetterExport } from "../../../contract/records.ts";
import { letterFingerprint } from "../../core/error-fingerprint.ts";
import { QueueFullError, UnconfirmedError } from "../../core/errors.ts";
import type { DeliveredTask } from "../../core/task.ts";
import { connectionOf, replies } from "./connection.ts";
import { isMemoryFull } from "./producer.ts";
import { type Replicated, ReplicaWait } from "./replica-wait.ts";
import { SCRIPTS, type ScriptArgument } from "./scripts.ts";

/**
 * What became of a dead letter. All but `requeued` mean that nothing was done: its task waits, runs or has a
 * result, this burial was requeued before, or nobody knows the id.
 */
export interface Requeued {
  readonly id: string;
  readonly state: "requeued" | "waiting" | "running" | "settled" | "already-requeued" | "unknown";
}

/** Which dead letters are meant; each field that is there narrows it down. */
export interface LetterFilter {
  readonly kind?: string | undefined;
  /** Fingerprint of the last error, see `core/error-fingerprint.ts`. */
  readonly cluster?: string | undefined;
}

const STATES = ["unknown", "requeued", "waiting", "running", "settled", "already-requeued"] as const;

/** How long a requeued burial is remembered; an older export file could requeue it a second time. */
const REQUEUE_MEMORY_MS = 90 * 24 * 3_600_000;
/** Most letters in memory at once, and most of their bytes (a letter that is larger comes alone). */
const PAGE = 500;
const PAGE_BYTES = 8 * 1024 * 1024;

/** What a burial says. */
export function deadLetterMessage(error: string): string {
  return `Moved to DLQ: ${error}`;
}

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
    message: deadLetterMessage(error.message),
  };
  return JSON.stringify(letter).slice(0, -1);
}

/** The dead-letter queue of one stream. */
export class DeadLetters {
  readonly #redis: Redis;
  readonly #keys: QueueKeys;
  readonly #replicas: ReplicaWait | undefined;

  /** `replicated`: requeued letters are kept like pushes. */
  constructor(redis: Redis, stream: string, replicated?: Replicated) {
    this.#replicas = replicated && new ReplicaWait(redis, stream, replicated);
    this.#redis = connectionOf(redis, stream);
    this.#keys = queueKeys(stream);
  }

  /**
   * Dead letters in pages, oldest burial first (by id within a millisecond): at most 500 and 8 MiB a page, however
   * many there are. The order is taken once: a letter requeued meanwhile is skipped, and none that stays is missed.
   */
  async *pages(filter: LetterFilter = {}): AsyncGenerator<DeadLetter[]> {
    const ids = await this.#redis.zrange(this.#keys.deadLetterOrder, "0", "-1");
    for (let from = 0; from < ids.length; from += PAGE)
      for (const part of await this.#parts(ids.slice(from, from + PAGE))) {
        const letters = (await this.byIds(part)).filter((letter) => fits(letter, filter));
        if (letters.length > 0) yield letters;
      }
  }

  /** The same letters, all in memory; at most `limit` (default: all). */
  async list({
    limit = Number.POSITIVE_INFINITY,
    ...filter
  }: LetterFilter & { limit?: number } = {}): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const page of this.pages(filter)) {
      letters.push(...page.slice(0, limit - letters.length));
      if (letters.length >= limit) break;
    }
    return letters;
  }

  /** Everything, in the form of an export file. */
  async export(filter: LetterFilter = {}): Promise<DeadLetterExport> {
    return { ...this.exportHead(), tasks: await this.list(filter) };
  }

  /** What an export file holds besides the letters. */
  exportHead(): Omit<DeadLetterExport, "tasks"> {
    return { v: 1, stream: this.#keys.stream, exported_at: Date.now() };
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
   * all or none. Throws `QueueFullError`, `RedisUnavailableError`, and where requeues are replicated `NoReplicaError`,
   * `UnconfirmedError`.
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
    if (this.#replicas === undefined || dryRun || items.length === 0) return this.#requeueAll(items, dryRun);
    const { value, confirmed } = await this.#replicas.confirmed(() => this.#requeueAll(items, dryRun));
    if (confirmed) return value;
    // One that is no letter any more may have been moved by a try before this one.
    const stored = value.flatMap(({ id, state }) => (state === "unknown" ? [] : [id]));
    throw new UnconfirmedError(stored, this.#replicas.timeoutMs);
  }

  async #requeueAll(items: readonly ScriptArgument[][], dryRun: boolean): Promise<Requeued[]> {
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

  /** Cuts a page's ids so that the letters of each part fit in memory together. */
  async #parts(ids: readonly string[]): Promise<string[][]> {
    const batch = this.#redis.pipeline();
    for (const id of ids) batch.hstrlen(this.#keys.deadLetters, id);
    const sizes = (await replies(this.#redis, batch)) as number[];
    const parts: string[][] = [];
    let left = 0;
    ids.forEach((id, index) => {
      const size = sizes[index] ?? 0;
      if (parts.length === 0 || size > left) {
        parts.push([]);
        left = PAGE_BYTES;
      }
      parts.at(-1)?.push(id);
      left -= size;
    });
    return parts;
  }
}

function fits(letter: DeadLetter, { kind, cluster }: LetterFilter): boolean {
  if (kind !== undefined && letter.kind !== kind) return false;
  return cluster === undefined || letterFingerprint(letter) === cluster;
}

/**
 * How an application pushes tasks to a fleet and gets their results.
 *
 * ```ts
 * import { createClient } from "@taskfleet/worker/client";
 * import wordCount from "./handlers/word-count.ts";
 *
 * const client = createClient({ redisUrl: "redis://127.0.0.1:6379" });
 * const { id } = await client.push(wordCount, { text: "one two" });
 * const outcome = await client.wait(id);
 * await client.close();
 * ```
 */
import type { Static, TSchema } from "typebox";
import type { CancelState, Enqueued } from "./adapters/redis/producer.ts";
import type { TaskOutcome } from "./adapters/redis/results.ts";
import { QueueClient } from "./client/queue-client.ts";
import type { TaskOptions } from "./core/task.ts";
import type { Handler } from "./handler.ts";

export type { CancelState, Enqueued } from "./adapters/redis/producer.ts";
export type { TaskOutcome } from "./adapters/redis/results.ts";
export { ClientOptionsError } from "./client/options.ts";
export {
  QueueFullError,
  RedisUnavailableError,
  ResultUnreadableError,
  TaskRefusedError,
} from "./core/errors.ts";

export interface ClientOptions {
  /** `redis://host:port` or `rediss://...`; may hold user and password. */
  readonly redisUrl: string;
  /** Default: the URL's own. */
  readonly redisPassword?: string | undefined;
  /** Default: `peagen.tasks`. */
  readonly stream?: string | undefined;
  /** Cap on a payload's JSON text, in bytes. Default: 2 MiB, as the fleet's. */
  readonly maxPayloadBytes?: number | undefined;
  /** How long the result of a task that is cancelled before it runs is kept, in s. Default: 3600, as the fleet's. */
  readonly resultTtlSeconds?: number | undefined;
  /** Folder of the results that the fleet keeps as files, as it is seen here. Default: none; reading such a result fails then. */
  readonly resultDirectory?: string | undefined;
  /**
   * Makes a span for each push with the application's own OpenTelemetry (its `@opentelemetry/api`), and gives the tasks its
   * context. Default: false; a `traceparent` among a push's options is carried all the same.
   */
  readonly tracing?: boolean | undefined;
}

/** Options of a single push. */
export interface PushOptions extends TaskOptions {
  /** Makes the push idempotent, see `NewTask.id`. */
  readonly id?: string;
  /** Earliest start from now, in ms. */
  readonly delayMs?: number;
}

/** A task of `pushMany`. */
export interface ClientTask<Payload extends TSchema = TSchema> extends PushOptions {
  readonly handler: HandlerOf<Payload>;
  readonly payload: Static<Payload>;
}

/** Tasks of `pushMany`, each payload typed by its own handler's schema. */
export type ClientTasks<Payloads extends readonly TSchema[]> = {
  readonly [Index in keyof Payloads]: ClientTask<Payloads[Index]>;
};

/** What a push needs of a handler: applications may keep only this part, without the code that runs. */
export type HandlerOf<Payload extends TSchema> = Pick<Handler<Payload>, "kind" | "payload">;

export interface WaitOptions {
  /** Ends the wait early; tasks that have not ended are `open` then. */
  readonly signal?: AbortSignal;
}

/**
 * A connection to a fleet's queue. It connects with the first call; every call fails within 5 s with a
 * `RedisUnavailableError` when Redis does not answer. Pushes are checked like those of the command line and
 * throw a `TaskRefusedError` that names the field, or a `QueueFullError`.
 */
export interface Client {
  /** Pushes one task. With an `id` that is known already nothing is done, and the state is `duplicate`. */
  push<Payload extends TSchema>(
    handler: HandlerOf<Payload>,
    payload: Static<Payload>,
    options?: PushOptions,
  ): Promise<Enqueued>;
  /** Pushes many; none when one of them is refused. States are in the order of the tasks. */
  pushMany<const Payloads extends readonly TSchema[]>(tasks: ClientTasks<Payloads>): Promise<Enqueued[]>;
  /** How a task stands now. */
  result(id: string): Promise<TaskOutcome>;
  /** Waits until a task has ended, without polling. */
  wait(id: string, options?: WaitOptions): Promise<TaskOutcome>;
  /** Waits for many; outcomes by id. */
  waitAll(ids: readonly string[], options?: WaitOptions): Promise<ReadonlyMap<string, TaskOutcome>>;
  /** Takes tasks out of the queue, or asks their workers to stop them; states in the order of the ids. */
  cancel(ids: readonly string[]): Promise<CancelState[]>;
  close(): Promise<void>;
}

/**
 * Makes a client; nothing is sent before its first call. Close it, or the process stays alive. Throws a
 * `ClientOptionsError` that names every option that cannot be used.
 */
export function createClient(options: ClientOptions): Client {
  return new QueueClient(options);
}

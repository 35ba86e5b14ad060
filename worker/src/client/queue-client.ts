import type { Redis } from "ioredis";
import type { Static, TSchema } from "typebox";
import { SETTINGS } from "../../contract/settings.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import { type CancelState, type Enqueued, Producer } from "../adapters/redis/producer.ts";
import { readKinds } from "../adapters/redis/queue-status.ts";
import { Results, type TaskOutcome } from "../adapters/redis/results.ts";
import type { Client, ClientOptions, ClientTask, HandlerOf, PushOptions, WaitOptions } from "../client.ts";
import { TaskRefusedError } from "../core/errors.ts";
import type { NewTask } from "../core/task.ts";
import { TaskValidator } from "../core/validate-task.ts";
import { type ResolvedOptions, resolveOptions } from "./options.ts";

/** The client of one stream. Its two connections are made when they are first needed. */
export class QueueClient implements Client {
  readonly #options: ResolvedOptions;
  readonly #redis: Redis;
  readonly #producer: Producer;
  readonly #results: Results;
  #subscriber: Redis | undefined;
  #validator: TaskValidator | undefined;

  constructor(options: ClientOptions) {
    this.#options = resolveOptions(options);
    const { stream, resultTtlSeconds, maxPayloadBytes } = this.#options;
    this.#redis = this.#connect("client");
    this.#producer = new Producer(this.#redis, stream, { resultTtlSeconds, maxPayloadBytes });
    this.#results = new Results(this.#redis, () => this.#subscribe(), stream);
  }

  async push<Payload extends TSchema>(
    { kind }: HandlerOf<Payload>,
    payload: Static<Payload>,
    options: PushOptions = {},
  ): Promise<Enqueued> {
    const [pushed] = await this.#enqueue([{ kind, payload, ...options }]);
    return pushed as Enqueued;
  }

  pushMany(tasks: readonly ClientTask[]): Promise<Enqueued[]> {
    return this.#enqueue(tasks.map(({ handler, ...task }) => ({ ...task, kind: handler.kind })));
  }

  async result(id: string): Promise<TaskOutcome> {
    const [outcome] = await this.#results.read([id]);
    return outcome as TaskOutcome;
  }

  async wait(id: string, options: WaitOptions = {}): Promise<TaskOutcome> {
    const outcomes = await this.#results.wait([id], options);
    return outcomes.get(id) as TaskOutcome;
  }

  waitAll(ids: readonly string[], options: WaitOptions = {}): Promise<ReadonlyMap<string, TaskOutcome>> {
    return this.#results.wait(ids, options);
  }

  cancel(ids: readonly string[]): Promise<CancelState[]> {
    return this.#producer.cancel(ids);
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
    this.#subscriber?.disconnect();
  }

  async #enqueue(tasks: readonly NewTask[]): Promise<Enqueued[]> {
    return this.#producer.enqueue(tasks, await this.#checked(tasks));
  }

  /** The payloads' JSON texts, once all tasks are found in order. */
  async #checked(tasks: readonly NewTask[]): Promise<string[]> {
    const known = this.#validator;
    const check = (validator: TaskValidator) => tasks.map((task) => validator.check(task));
    try {
      return check(known ?? (await this.#loadRules()));
    } catch (error) {
      // The fleet may have published other kinds since the rules were read.
      if (known === undefined || !(error instanceof TaskRefusedError)) throw error;
      return check(await this.#loadRules());
    }
  }

  async #loadRules(): Promise<TaskValidator> {
    const { stream, maxPayloadBytes, redisPassword } = this.#options;
    const kinds = await readKinds(this.#redis, stream);
    const environment = { ...process.env, [SETTINGS.redisPassword.env]: redisPassword };
    this.#validator = new TaskValidator({ kinds: kinds.values(), maxPayloadBytes, environment });
    return this.#validator;
  }

  #subscribe(): Redis {
    // Many waits may listen at once.
    this.#subscriber ??= this.#connect("subscriber").setMaxListeners(0);
    return this.#subscriber;
  }

  #connect(profile: "client" | "subscriber"): Redis {
    const { redisUrl: url, redisPassword: password } = this.#options;
    return createConnection({ url, password, profile, name: "taskfleet-client" });
  }
}

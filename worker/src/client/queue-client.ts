import type { Redis } from "ioredis";
import type { Static, TSchema } from "typebox";
import { SETTINGS } from "../../contract/settings.ts";
import { outputsIn } from "../adapters/files/outputs.ts";
import { createConnection } from "../adapters/redis/connection.ts";
import { type CancelState, type Enqueued, Producer } from "../adapters/redis/producer.ts";
import { Results, type TaskOutcome } from "../adapters/redis/results.ts";
import type { Client, ClientOptions, ClientTask, HandlerOf, PushOptions, WaitOptions } from "../client.ts";
import type { NewTask } from "../core/task.ts";
import type { SendTraces } from "../tracing/tracing.ts";
import { KindRules } from "./kind-rules.ts";
import { type ResolvedOptions, resolveOptions } from "./options.ts";

/** The client of one stream. Its two connections are made when they are first needed. */
export class QueueClient implements Client {
  readonly #options: ResolvedOptions;
  readonly #redis: Redis;
  readonly #producer: Producer;
  readonly #results: Results;
  readonly #rules: KindRules;
  #sends: Promise<SendTraces> | undefined;
  #subscriber: Redis | undefined;

  constructor(options: ClientOptions) {
    this.#options = resolveOptions(options);
    const { stream, resultTtlSeconds, resultDirectory, maxPayloadBytes, redisPassword } = this.#options;
    this.#redis = this.#connect("client");
    this.#producer = new Producer(this.#redis, stream, { resultTtlSeconds, maxPayloadBytes });
    this.#results = new Results(this.#redis, () => this.#subscribe(), stream, outputsIn(resultDirectory));
    const environment = { ...process.env, [SETTINGS.redisPassword.env]: redisPassword };
    this.#rules = new KindRules(this.#redis, stream, { maxPayloadBytes, environment });
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
    const texts = await this.#rules.texts(tasks);
    const push = (traced: readonly NewTask[]) => this.#producer.enqueue(traced, texts);
    const { tracing, stream } = this.#options;
    if (!tracing) return push(tasks);
    this.#sends ??= import("../tracing/application-spans.ts").then((module) => module.applicationsSpans());
    return (await this.#sends).send(stream, tasks, push);
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

import { API_VERBS, type ApiVerb } from "../../worker/contract/api.ts";
import { ApiKeys } from "../../worker/src/adapters/redis/api-keys.ts";
import { type ConnectionProfile, createConnection } from "../../worker/src/adapters/redis/connection.ts";
import type { ConnectionLimits } from "../../worker/src/api/connections.ts";
import { type ApiParts, apiParts } from "../../worker/src/api/parts.ts";
import { type Api, buildApi } from "../../worker/src/api/server.ts";
import { loadSettings } from "../../worker/src/config/load-settings.ts";
import { createLogger } from "../../worker/src/logging/logger.ts";
import type { ActivityStore } from "../../worker/src/ports/activity-store.ts";
import { type TestQueue, withQueue } from "../support/queue.ts";
import { Conformance, type OpenApiDocument } from "./conformance.ts";

/** The key of `TASKFLEET_API_KEY`. */
export const FIRST_KEY = "the-first-key-of-the-tests";

const SECRETS = [FIRST_KEY];

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** One replica of the API on a real port. */
export class TestApi {
  readonly app: Api;
  readonly base: string;
  /** Lines of its log. */
  readonly log: readonly string[];
  readonly parts: ApiParts;
  readonly #conformance: Conformance;
  readonly #close: () => Promise<void>;

  private constructor(
    { app, parts, base }: { readonly app: Api; readonly parts: ApiParts; readonly base: string },
    log: readonly string[],
    close: () => Promise<void>,
  ) {
    this.app = app;
    this.parts = parts;
    this.base = base;
    this.log = log;
    this.#conformance = new Conformance(app.swagger() as unknown as OpenApiDocument);
    this.#close = close;
  }

  static async start(
    queue: TestQueue,
    environment: Readonly<Record<string, string>> = {},
    {
      runs = null,
      limits,
      now,
    }: {
      readonly runs?: ActivityStore | null;
      readonly limits?: ConnectionLimits;
      readonly now?: (() => number) | undefined;
    } = {},
  ): Promise<TestApi> {
    const own = {
      REDIS_URL: queue.server.url,
      TASKFLEET_QUEUE_NAME: queue.stream,
      TASKFLEET_API_KEY: FIRST_KEY,
    };
    const settings = loadSettings({ ...own, TASKFLEET_API_RATE: "0", ...environment }, "api");
    const log: string[] = [];
    const destination = { write: (line: string) => void log.push(line) };
    const secrets = () => SECRETS;
    const logger = await createLogger({ name: "api", json: true, level: "info", secrets, destination });
    const connect = (profile: ConnectionProfile) =>
      createConnection({ url: queue.server.url, password: "", profile, name: "test-api" });
    const [redis, subscriber] = [connect("client"), connect("subscriber").setMaxListeners(0)];
    await redis.connect();
    const stop = new AbortController();
    const given = { settings, redis, subscriber: () => subscriber, logger, runs, secrets };
    const parts = apiParts({ ...given, ...(now && { now }), stopping: stop.signal });
    const app = await buildApi(parts, limits);
    const base = await app.listen({ host: "127.0.0.1", port: 0 });
    return new TestApi({ app, parts, base }, log, async () => {
      stop.abort();
      await app.close();
      redis.disconnect();
      subscriber.disconnect();
    });
  }

  /** One request; `body` goes as JSON, a text as it is. The answer must be one of the OpenAPI document's. */
  async call(
    method: string,
    path: string,
    {
      key = FIRST_KEY,
      body,
      headers = {},
    }: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const all: Record<string, string> = key === "" ? {} : { authorization: `Bearer ${key}` };
    if (body !== undefined) all["content-type"] = "application/json";
    const answer = await fetch(this.base + path, {
      method,
      headers: { ...all, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const type = answer.headers.get("content-type") ?? "";
    const json = /json/.test(type) && text !== "" ? JSON.parse(text) : { text };
    this.#conformance.check(method, path, answer.status, type, json);
    return { status: answer.status, headers: answer.headers, body: json };
  }

  get(path: string, key: string = FIRST_KEY): Promise<Answer> {
    return this.call("GET", path, { key });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.call("POST", path, { body, headers });
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** Gives every test a queue with kinds and an API of it. */
export function withApi(use: (queue: TestQueue, api: TestApi) => void): void {
  let queue: TestQueue;
  let api: TestApi;
  withQueue((made) => {
    queue = made;
  });
  beforeEach(async () => {
    await publishKinds(queue);
    api = await TestApi.start(queue);
    use(queue, api);
  });
  afterEach(() => api.close());
}

/** Publishes a kind `k` that takes any object, and `n`, whose payload has a whole number `n`. */
export async function publishKinds({ server, keys }: TestQueue): Promise<void> {
  const any = { type: "object" };
  const counted = { ...any, properties: { n: { type: "integer" } }, required: ["n"] };
  for (const [kind, payload] of [["k", any] as const, ["n", counted] as const]) {
    const text = JSON.stringify({ kind, version: "1.0.0", description: "of the tests", payload });
    await server.client.hset(keys.kinds, kind, text);
  }
}

/** A key that may do these things. */
export async function makeKey(
  queue: TestQueue,
  verbs: readonly ApiVerb[] = API_VERBS,
  more: { streams?: readonly string[]; expires_at?: number; rate?: number } = {},
): Promise<{ readonly id: string; readonly key: string }> {
  return new ApiKeys(queue.redis).create({ verbs, streams: ["*"], created_at: 1, note: "", ...more });
}

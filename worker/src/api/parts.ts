/** What the routes work with. */
import type { Redis } from "ioredis";
import { outputsIn } from "../adapters/files/outputs.ts";
import { ApiKeys } from "../adapters/redis/api-keys.ts";
import { DeadLetters } from "../adapters/redis/dead-letters.ts";
import { Producer } from "../adapters/redis/producer.ts";
import { RateLimit } from "../adapters/redis/rate-limit.ts";
import { Results } from "../adapters/redis/results.ts";
import { Workers } from "../adapters/redis/workers.ts";
import { KindRules } from "../client/kind-rules.ts";
import type { Settings } from "../config/load-settings.ts";
import type { Logger } from "../logging/logger.ts";
import { redactor } from "../logging/redact.ts";
import type { ActivityStore } from "../ports/activity-store.ts";
import { type Tracing, UNTRACED } from "../tracing/tracing.ts";
import { ApiMetrics } from "./metrics.ts";
import { PushTogether } from "./push.ts";

export interface ApiParts {
  readonly settings: Settings<"api">;
  readonly redis: Redis;
  readonly logger: Logger;
  /** The record; null: runs are not recorded. */
  readonly runs: ActivityStore | null;
  readonly keys: ApiKeys;
  readonly rate: RateLimit;
  readonly metrics: ApiMetrics;
  /** By name; the first is the default. */
  readonly queues: ReadonlyMap<string, Queue>;
  /** Aborted when the API begins to stop. */
  readonly stopping: AbortSignal;
  /** For channels; many may listen. */
  readonly subscriber: () => Redis;
  /** Ms of a clock that never goes back. */
  readonly now: () => number;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  readonly tracing: Tracing;
}

/** One stream. */
export interface Queue {
  readonly stream: string;
  readonly producer: Producer;
  readonly pushes: PushTogether;
  readonly results: Results;
  readonly letters: DeadLetters;
  readonly workers: Workers;
  readonly rules: KindRules;
}

export type ApiConnections = Pick<ApiParts, "settings" | "redis" | "logger" | "runs" | "stopping"> & {
  /** Default: the process' own clock. */
  readonly now?: () => number;
  readonly subscriber: () => Redis;
  /** Values that no payload may carry and no answer shows; the same array for as long as they are the same. */
  readonly secrets: () => readonly string[];
  /** Default: off. */
  readonly tracing?: Tracing;
};

export function apiParts({ subscriber, secrets, ...parts }: ApiConnections): ApiParts {
  const { settings, redis } = parts;
  const queues = settings.streams.map(
    (stream) => [stream, openQueue({ settings, redis, subscriber, secrets }, stream)] as const,
  );
  return {
    tracing: UNTRACED,
    ...parts,
    ...{ subscriber, now: parts.now ?? (() => performance.now()) },
    keys: new ApiKeys(redis),
    rate: new RateLimit(redis, settings.apiRateWindow * 1000),
    metrics: new ApiMetrics(),
    queues: new Map(queues),
    redact: redactor(secrets),
  };
}

type OfQueues = Pick<ApiConnections, "settings" | "redis" | "subscriber" | "secrets">;

function openQueue({ settings, redis, subscriber, secrets }: OfQueues, stream: string): Queue {
  const { resultTtl: resultTtlSeconds, maxPayloadBytes } = settings;
  const producer = new Producer(redis, stream, { resultTtlSeconds, maxPayloadBytes });
  return {
    stream,
    producer,
    pushes: new PushTogether((tasks, texts) => producer.enqueue(tasks, texts)),
    results: new Results(redis, subscriber, stream, outputsIn(settings.resultDirectory)),
    letters: new DeadLetters(redis, stream),
    workers: new Workers(redis, stream),
    rules: new KindRules(redis, stream, { maxPayloadBytes, environment: process.env, secrets }),
  };
}

/** What the routes work with. */
import type { Redis } from "ioredis";
import { SETTINGS } from "../../contract/settings.ts";
import { ApiKeys } from "../adapters/redis/api-keys.ts";
import { DeadLetters } from "../adapters/redis/dead-letters.ts";
import { Producer } from "../adapters/redis/producer.ts";
import { RateLimit } from "../adapters/redis/rate-limit.ts";
import { Results } from "../adapters/redis/results.ts";
import { Workers } from "../adapters/redis/workers.ts";
import { KindRules } from "../client/kind-rules.ts";
import type { Settings } from "../config/load-settings.ts";
import type { Logger } from "../logging/logger.ts";
import type { RunStore } from "../ports/activity-store.ts";
import { PushTogether } from "./push.ts";
import { SessionCounts } from "./sessions/metrics.ts";

export interface ApiParts {
  readonly settings: Settings<"api">;
  readonly redis: Redis;
  readonly logger: Logger;
  /** The record; null: runs are not recorded. */
  readonly runs: RunStore | null;
  readonly keys: ApiKeys;
  readonly rate: RateLimit;
  /** By name; the first is the default. */
  readonly queues: ReadonlyMap<string, Queue>;
  /** Aborted when the API begins to stop. */
  readonly stopping: AbortSignal;
  /** What this process counts of its sessions. */
  readonly sessions: SessionCounts;
  /** For channels; many may listen. */
  readonly subscriber: () => Redis;
  /** Ms of a clock that never goes back. */
  readonly now: () => number;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
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

export type ApiConnections = Pick<
  ApiParts,
  "settings" | "redis" | "logger" | "runs" | "stopping" | "redact"
> & {
  /** Default: the process' own clock. */
  readonly now?: () => number;
  readonly subscriber: () => Redis;
};

export function apiParts({ subscriber, ...parts }: ApiConnections): ApiParts {
  const { settings, redis } = parts;
  const queues = settings.streams.map(
    (stream) => [stream, openQueue(settings, redis, subscriber, stream)] as const,
  );
  return {
    ...parts,
    ...{ subscriber, sessions: new SessionCounts(), now: parts.now ?? (() => performance.now()) },
    keys: new ApiKeys(redis),
    rate: new RateLimit(redis, settings.apiRateWindow * 1000),
    queues: new Map(queues),
  };
}

function openQueue(settings: Settings<"api">, redis: Redis, subscriber: () => Redis, stream: string): Queue {
  const { resultTtl: resultTtlSeconds, maxPayloadBytes } = settings;
  const producer = new Producer(redis, stream, { resultTtlSeconds, maxPayloadBytes });
  // Secrets may have come from files.
  const environment = {
    ...process.env,
    [SETTINGS.redisPassword.env]: settings.redisPassword,
    [SETTINGS.pgPassword.env]: settings.pgPassword,
    [SETTINGS.apiKey.env]: settings.apiKey,
  };
  return {
    stream,
    producer,
    pushes: new PushTogether((tasks, texts) => producer.enqueue(tasks, texts)),
    results: new Results(redis, subscriber, stream),
    letters: new DeadLetters(redis, stream),
    workers: new Workers(redis, stream),
    rules: new KindRules(redis, stream, { maxPayloadBytes, environment }),
  };
}

/** Who calls, whether the key may do that, and how often. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { API_VERBS, type ApiVerb } from "../../contract/api.ts";
import { type ApiKeyRecord, apiKeyId, fitsRecord, type KeyOwner, sameKey } from "../core/api-key.ts";
import { clientNetwork } from "../core/client-network.ts";
import type { RequestSpan } from "../tracing/tracing.ts";
import type { ApiParts, Queue } from "./parts.ts";
import { Problem } from "./problems.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a key must be allowed to do. */
    readonly verb?: ApiVerb;
    /** Calls are counted. */
    readonly limited?: boolean;
  }
  interface FastifyRequest {
    owner: KeyOwner | null;
    queue: Queue | null;
    span: RequestSpan | null;
  }
}

/** How long a key that was found counts without another look: a revoked one stops within it. */
const TRUSTED_MS = 500;
const FIRST: KeyOwner = { id: "first", streams: ["*"], verbs: API_VERBS };

/** Finds the owners of keys. */
export class Gate {
  readonly #parts: ApiParts;
  readonly #known = new Map<string, { readonly record: ApiKeyRecord | undefined; readonly until: number }>();

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  /** Before the body is read. Without a valid key calls are counted by address. */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { verb, limited = false } = request.routeOptions.config;
    if (verb === undefined) return;
    const owner = await this.owner(bearer(request.headers.authorization));
    if (limited) await this.#count(owner, request.ip, reply);
    if (owner === null)
      throw new Problem("unauthorized", {
        detail:
          "send `Authorization: Bearer <key>` with a key that counts; `taskfleet api-key create` makes one",
        headers: { "www-authenticate": "Bearer" },
      });
    request.owner = owner;
    if (!owner.verbs.includes(verb)) throw new Problem("forbidden", `this key lacks the verb ${verb}`);
    request.queue = this.queueOf(owner, (request.query as { stream?: unknown }).stream);
  }

  /** Whose key it is; null: nobody's that counts. */
  async owner(key: string): Promise<KeyOwner | null> {
    const { apiKey } = this.#parts.settings;
    if (apiKey !== "" && sameKey(key, apiKey)) return FIRST;
    const id = apiKeyId(key);
    const record = id === undefined ? undefined : await this.#record(id);
    if (!fitsRecord(key, record, Date.now()) || record === undefined || id === undefined) return null;
    const { streams, verbs, rate } = record;
    return { id, streams, verbs, ...(rate === undefined ? {} : { rate }) };
  }

  async #record(id: string): Promise<ApiKeyRecord | undefined> {
    const now = performance.now();
    const known = this.#known.get(id);
    if (known !== undefined && now < known.until) return known.record;
    const record = await this.#parts.keys.find(id);
    // Guessed ids are not kept.
    if (record === undefined) this.#known.delete(id);
    else this.#known.set(id, { record, until: now + TRUSTED_MS });
    return record;
  }

  /** Counts a call that is no request. Throws a `Problem` for one too many. */
  count(owner: KeyOwner): Promise<void> {
    return this.#count(owner, "", { headers: () => {} });
  }

  async #count(
    owner: KeyOwner | null,
    address: string,
    reply: { headers(values: Record<string, string | number>): unknown },
  ): Promise<void> {
    const { settings, rate, metrics } = this.#parts;
    const most = owner?.rate ?? settings.apiRate;
    if (most === 0) return;
    const { allowed, left, resetMs } = await rate.count(
      owner === null ? `ip:${clientNetwork(address)}` : `key:${owner.id}`,
      most,
    );
    const reset = String(Math.ceil(resetMs / 1000));
    reply.headers({ "ratelimit-limit": most, "ratelimit-remaining": left, "ratelimit-reset": reset });
    if (allowed) return;
    metrics.refused(owner === null ? "address" : "key");
    throw new Problem("rate-limited", {
      detail: `at most ${most} calls in any ${settings.apiRateWindow} s; the next in ${reset} s`,
      headers: { "retry-after": reset },
    });
  }

  /** The stream that is asked for, or the first. Throws a `Problem` for one that this key may not use. */
  queueOf({ streams }: Pick<KeyOwner, "streams">, asked: unknown): Queue {
    const { queues, settings } = this.#parts;
    const stream = asked === undefined ? settings.streams[0] : asked;
    if (typeof stream !== "string") throw new Problem("invalid-request", "stream: name one");
    if (!streams.includes("*") && !streams.includes(stream))
      throw new Problem("forbidden", "this key may not use that stream");
    const queue = queues.get(stream);
    if (queue === undefined) throw new Problem("not-found", "this API does not serve that stream");
    return queue;
  }
}

/** The stream that a request is about, once it was admitted. */
export function queueOf({ queue }: FastifyRequest): Queue {
  if (queue === null) throw new Error("a route without a verb has no queue");
  return queue;
}

/** The key in a header; "" for none. */
export function bearer(header: string | undefined): string {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1] ?? "";
}

import type { Redis } from "ioredis";
import { FLEET_KEYS } from "../../../contract/fleet-keys.ts";
import { type ApiKeyRecord, hashApiKey, newApiKey } from "../../core/api-key.ts";

export type NewApiKey = Omit<ApiKeyRecord, "v" | "hash">;
export type ListedApiKey = Omit<ApiKeyRecord, "v" | "hash"> & { readonly id: string };

/** The API keys of a Redis. */
export class ApiKeys {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Makes a key and keeps its digest; nobody can read the key again. */
  async create(about: NewApiKey): Promise<{ readonly id: string; readonly key: string }> {
    const made = newApiKey();
    const record: ApiKeyRecord = { v: 1, hash: hashApiKey(made.key), ...about };
    await this.#redis.hset(FLEET_KEYS.apiKeys, made.id, JSON.stringify(record));
    return made;
  }

  async find(id: string): Promise<ApiKeyRecord | undefined> {
    const text = await this.#redis.hget(FLEET_KEYS.apiKeys, id);
    return text === null ? undefined : (JSON.parse(text) as ApiKeyRecord);
  }

  /** All of them, oldest first, without digests. */
  async list(): Promise<ListedApiKey[]> {
    const texts = await this.#redis.hgetall(FLEET_KEYS.apiKeys);
    return Object.entries(texts)
      .map(([id, text]) => {
        const { v: _v, hash: _hash, ...about } = JSON.parse(text) as ApiKeyRecord;
        return { id, ...about };
      })
      .sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
  }

  /** Ends keys; those of the ids that were there. */
  async revoke(ids: readonly string[]): Promise<string[]> {
    const gone = await Promise.all(ids.map((id) => this.#redis.hdel(FLEET_KEYS.apiKeys, id)));
    return ids.filter((_, at) => gone[at] === 1);
  }
}

/** API keys: `tfk_<id>_<secret>`. Only a digest of the secret is kept. Pure but for the random parts of a new one. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { ApiVerb } from "../../contract/api.ts";

/** What is kept of a key. Times in ms since the epoch. */
export interface ApiKeyRecord {
  readonly v: 1;
  /** SHA-256 of the whole key, in hex. */
  readonly hash: string;
  /** Streams that it may use; `*`: all that the API serves. */
  readonly streams: readonly string[];
  readonly verbs: readonly ApiVerb[];
  readonly created_at: number;
  /** It counts until then; absent: for ever. */
  readonly expires_at?: number;
  /** Its own number of calls in a window; 0: any number. Absent: the API's. */
  readonly rate?: number;
  readonly note: string;
}

/** A key as a request has it: who it is, and what it may do. */
export interface KeyOwner extends Pick<ApiKeyRecord, "streams" | "verbs" | "rate"> {
  readonly id: string;
}

const KEY = /^tfk_([A-Za-z0-9]{12})_[A-Za-z0-9_-]{43}$/;
/** Compared with where there is no such key, so that the answer takes as long. */
const NOBODY = digest("");
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH = 12;
const SECRET_BYTES = 32;

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** A new key and its id. 62 letters do not divide 256 evenly; an id is no secret. */
export function newApiKey(): { readonly id: string; readonly key: string } {
  const id = Array.from(randomBytes(ID_LENGTH), (byte) => LETTERS[byte % LETTERS.length]).join("");
  return { id, key: `tfk_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}` };
}

export function hashApiKey(key: string): string {
  return digest(key).toString("hex");
}

/** The id in a key's text; undefined when it is none. */
export function apiKeyId(key: string): string | undefined {
  return KEY.exec(key)?.[1];
}

/** Whether two keys are the same; takes the same time wherever they differ. */
export function sameKey(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

/** Whether the record is of this key and counts now. Without a record it compares all the same. */
export function fitsRecord(key: string, record: ApiKeyRecord | undefined, nowMs: number): boolean {
  const kept = record === undefined ? NOBODY : Buffer.from(record.hash, "hex");
  const fits = kept.length === NOBODY.length && timingSafeEqual(digest(key), kept);
  return fits && record !== undefined && (record.expires_at === undefined || nowMs < record.expires_at);
}

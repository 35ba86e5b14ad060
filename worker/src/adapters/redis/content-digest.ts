/** Digests of what keys hold, whatever order and encoding a server keeps it in. */
import { createHash, type Hash } from "node:crypto";
import type { Redis } from "ioredis";

const PAGE = 1_000;
const BITS = 128n;
const MASK = (1n << BITS) - 1n;

/** A sum of digests, which knows no order. */
export class DigestSum {
  #sum = 0n;

  add(digest: Buffer): void {
    this.#sum = (this.#sum + BigInt(`0x${digest.subarray(0, Number(BITS) / 8).toString("hex")}`)) & MASK;
  }

  get hex(): string {
    return this.#sum.toString(16).padStart(Number(BITS) / 4, "0");
  }
}

type Part = Buffer | string | number | null;

/** Of parts in their order; each with its length, so that they cannot run into each other. */
export function digestOf(...parts: readonly Part[]): Buffer {
  return into(createHash("sha256"), parts).digest();
}

function into(hash: Hash, parts: readonly Part[]): Hash {
  for (const part of parts) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(part === null ? "" : String(part));
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash;
}

/** What a key of this type holds; undefined for a type that is none of Redis' own. */
export async function contentDigest(redis: Redis, key: Buffer, type: string): Promise<Buffer | undefined> {
  switch (type) {
    case "string":
      return digestOf(await redis.getBuffer(key));
    case "hash":
      return scanned((cursor) => redis.hscanBuffer(key, cursor, "COUNT", PAGE), 2);
    case "set":
      return scanned((cursor) => redis.sscanBuffer(key, cursor, "COUNT", PAGE), 1);
    case "list":
      return ranged((from, to) => redis.lrangeBuffer(key, from, to));
    case "zset":
      return ranged((from, to) => redis.zrangeBuffer(key, String(from), String(to), "WITHSCORES"));
    case "stream":
      return streamDigest(redis, key);
    default:
      return undefined;
  }
}

/** `width`: replies that make one element. A scan may give an element twice. */
async function scanned(
  page: (cursor: string) => Promise<[cursor: Buffer, elements: Buffer[]]>,
  width: number,
): Promise<Buffer> {
  const sum = new DigestSum();
  const seen = new Set<string>();
  let cursor = "0";
  do {
    const [next, elements] = await page(cursor);
    for (let i = 0; i < elements.length; i += width) {
      const name = (elements[i] as Buffer).toString("latin1");
      if (seen.has(name)) continue;
      seen.add(name);
      sum.add(digestOf(...elements.slice(i, i + width)));
    }
    cursor = next.toString();
  } while (cursor !== "0");
  return digestOf(seen.size, sum.hex);
}

async function ranged(page: (from: number, to: number) => Promise<Buffer[]>): Promise<Buffer> {
  const hash = createHash("sha256");
  for (let from = 0; ; from += PAGE) {
    const elements = await page(from, from + PAGE - 1);
    into(hash, elements);
    if (elements.length === 0) return hash.digest();
  }
}

/** Entries, and of each group what is pending with whom; not for how long. */
async function streamDigest(redis: Redis, key: Buffer): Promise<Buffer> {
  const hash = createHash("sha256");
  const about = fields(await redis.call("XINFO", "STREAM", key));
  into(
    hash,
    ["last-generated-id", "max-deleted-entry-id", "entries-added"].map((name) => String(about.get(name))),
  );
  for (let from = "-"; ; ) {
    const entries = await redis.xrangeBuffer(key, from, "+", "COUNT", PAGE);
    for (const [id, values] of entries) into(hash, [id, ...values]);
    const last = entries.at(-1);
    if (last === undefined) break;
    from = `(${last[0].toString()}`;
  }
  const groups = ((await redis.call("XINFO", "GROUPS", key)) as unknown[]).map(fields);
  for (const group of groups) {
    const name = String(group.get("name"));
    into(hash, [name, String(group.get("last-delivered-id")), String(group.get("entries-read"))]);
    const consumers = ((await redis.call("XINFO", "CONSUMERS", key, name)) as unknown[]).map(fields);
    into(hash, consumers.map((consumer) => `${consumer.get("name")} ${consumer.get("pending")}`).sort());
    await pendingInto(hash, redis, key, name);
  }
  return hash.digest();
}

async function pendingInto(hash: Hash, redis: Redis, key: Buffer, group: string): Promise<void> {
  for (let from = "-"; ; ) {
    const pending = (await redis.xpending(key, group, from, "+", PAGE)) as [string, string, number, number][];
    for (const [entry, consumer, , deliveries] of pending) into(hash, [entry, consumer, deliveries]);
    const last = pending.at(-1);
    if (last === undefined) return;
    from = `(${last[0]}`;
  }
}

/** Name and value, name and value. */
function fields(reply: unknown): ReadonlyMap<string, unknown> {
  const list = reply as unknown[];
  return new Map(
    Array.from({ length: list.length / 2 }, (_, i) => [String(list[i * 2]), list[i * 2 + 1]] as const),
  );
}

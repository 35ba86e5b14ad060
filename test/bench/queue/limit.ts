import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Redis } from "ioredis";
import type { ResultRecord } from "../../../worker/contract/records.ts";
import { Consumer, type SettleItem } from "../../../worker/src/adapters/redis/consumer.ts";
import { readEntry } from "../../../worker/src/adapters/redis/entry.ts";
import { Producer } from "../../../worker/src/adapters/redis/producer.ts";
import { SCRIPTS } from "../../../worker/src/adapters/redis/scripts.ts";
import type { TestRedis } from "../../support/redis-server.ts";
import { CONCURRENCY } from "./side.ts";

const STREAM = "limit.tasks";
const WORKER = "limit-worker";
const PAGE = 10_000;
/** Batches under way at once, so that Redis never waits for the client. */
const WINDOW = 3;
const PONG = "+PONG\r\n";

function encode(words: readonly (string | number)[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join("")}`;
}

/** Takes the adapter's script calls down instead of sending them. */
class Recorder {
  readonly calls: string[] = [];
  readonly #answer: unknown;

  constructor(answer: unknown) {
    this.#answer = answer;
  }

  async evalsha(...words: (string | number)[]): Promise<unknown> {
    this.calls.push(encode(["EVALSHA", ...words]));
    return this.#answer;
  }
}

function consumerOn(recorder: Recorder): Consumer {
  const redis = recorder as unknown as Redis;
  return new Consumer({
    redis,
    blocking: redis,
    streams: [STREAM],
    workerId: WORKER,
    resultTtlSeconds: 3_600,
  });
}

/** What a worker sends to take a batch. */
async function takeCall(): Promise<string> {
  const recorder = new Recorder([0, "", ["1-1", "id kind {}"]]);
  await consumerOn(recorder).read(CONCURRENCY, 1);
  return recorder.calls.join("");
}

async function settleCall(batch: readonly SettleItem[]): Promise<string> {
  const recorder = new Recorder("1".repeat(batch.length));
  await consumerOn(recorder).settle(batch);
  return recorder.calls.join("");
}

async function pushed(redis: Redis, count: number, bytes: number): Promise<SettleItem[]> {
  const producer = new Producer(redis, STREAM, { resultTtlSeconds: 3_600, maxPayloadBytes: 1e9 });
  await producer.ensureGroup();
  const payload = { text: "x".repeat(bytes) };
  const items: SettleItem[] = [];
  for (let from = 0; from < count; from += PAGE)
    await producer.enqueue(
      Array.from({ length: Math.min(PAGE, count - from) }, () => ({ kind: "noop", payload })),
    );
  let last = "-";
  while (items.length < count) {
    const page = await redis.xrange(STREAM, last === "-" ? "-" : `(${last}`, "+", "COUNT", PAGE);
    for (const [entryId, fields] of page) {
      const read = readEntry({ stream: STREAM, priority: "normal", entryId }, fields);
      if (!read.newer) items.push({ task: read.task, result: resultOf(read.task.id), runtimeMs: 0.5 });
      last = entryId;
    }
  }
  return items;
}

/** As long as a worker's. */
function resultOf(id: string): ResultRecord {
  const now = Date.now();
  return {
    ...{ v: 1, id, kind: "noop", status: "success", output: "ok", attempts: 1 },
    ...{ enqueued_at: now, started_at: now, finished_at: now },
    ...{ handler_version: "1.0.0", image_tag: "bundle:sha256:bench", worker_id: WORKER },
  } as ResultRecord;
}

/** Counts the markers behind the answers; the answers themselves are thrown away. */
class Answers {
  readonly #socket: Socket;
  #seen = 0;
  #rest = "";
  #wake = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      const text = this.#rest + chunk.toString("latin1");
      let at = text.indexOf(PONG);
      while (at !== -1) {
        this.#seen++;
        at = text.indexOf(PONG, at + PONG.length);
      }
      this.#rest = text.endsWith(PONG) ? "" : text.slice(-(PONG.length - 1));
      this.#wake();
    });
  }

  /** Resolves when so many batches are answered. */
  async until(count: number): Promise<void> {
    while (this.#seen < count) {
      if (this.#socket.destroyed) throw new Error("Redis closed the connection");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/**
 * Tasks a second that Redis alone can do: the very script calls of a worker, encoded beforehand, answers not read. It
 * is what is left when a worker costs nothing.
 */
export async function limitRate(
  server: TestRedis,
  redis: Redis,
  count: number,
  bytes: number,
): Promise<number> {
  for (const script of [SCRIPTS.take, SCRIPTS.settle]) await redis.script("LOAD", script.text);
  const items = await pushed(redis, count, bytes);
  const take = await takeCall();
  const batches: Buffer[] = [];
  for (let from = 0; from < items.length; from += CONCURRENCY) {
    const settle = await settleCall(items.slice(from, from + CONCURRENCY));
    batches.push(Buffer.from(`${take}${settle}${encode(["PING"])}`));
  }
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  const answers = new Answers(socket);
  const started = performance.now();
  for (const [sent, batch] of batches.entries()) {
    await answers.until(sent - WINDOW + 1);
    socket.write(batch);
  }
  await answers.until(batches.length);
  const seconds = (performance.now() - started) / 1000;
  socket.destroy();
  const left = await redis.xlen(STREAM);
  if (left > 0) throw new Error(`${left} tasks of the limit were not settled`);
  return count / seconds;
}

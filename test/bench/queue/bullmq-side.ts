import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { TestRedis } from "../../support/redis-server.ts";
import { connectTo } from "./server.ts";
import { CONCURRENCY, inCalls, type Side } from "./side.ts";

const WORKER = join(import.meta.dirname, "bullmq-worker.ts");
const NAME = "peer";

/** BullMQ, with jobs added in bulk and removed when they are completed. */
export class BullmqSide implements Side {
  readonly #queue: Queue;
  readonly #redis: Redis;
  readonly #worker: ChildProcess;

  private constructor(queue: Queue, redis: Redis, worker: ChildProcess) {
    this.#queue = queue;
    this.#redis = redis;
    this.#worker = worker;
  }

  static async start(server: TestRedis): Promise<BullmqSide> {
    const queue = new Queue(NAME, { connection: { host: "127.0.0.1", port: server.port } });
    const worker = spawn(process.execPath, [WORKER, NAME, String(server.port), String(CONCURRENCY)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (worker.stdout === null) throw new Error("the peer's worker has no output");
    await once(worker.stdout, "data");
    return new BullmqSide(queue, connectTo(server), worker);
  }

  async enqueue(count: number, bytes: number): Promise<void> {
    const text = "x".repeat(bytes);
    await inCalls(count, (size) => {
      const jobs = Array.from({ length: size }, () => ({
        name: "noop",
        data: { text },
        opts: { removeOnComplete: true },
      }));
      return this.#queue.addBulk(jobs);
    });
  }

  pause(): Promise<void> {
    return this.#queue.pause();
  }

  resume(): Promise<void> {
    return this.#queue.resume();
  }

  async left(): Promise<number> {
    const at = (list: string) => this.#redis.llen(`bull:${NAME}:${list}`);
    const [waiting, active, paused] = await Promise.all([at("wait"), at("active"), at("paused")]);
    return waiting + active + paused;
  }

  async close(): Promise<void> {
    const ended = once(this.#worker, "exit");
    this.#worker.kill("SIGTERM");
    await ended;
    await this.#queue.close();
    this.#redis.disconnect();
  }
}

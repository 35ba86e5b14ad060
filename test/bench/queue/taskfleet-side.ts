import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@taskfleet/worker/client";
import type { Redis } from "ioredis";
import { buildBundle } from "../../../worker/build.ts";
import { backlog, readKinds, setPaused } from "../../../worker/src/adapters/redis/queue-status.ts";
import { Workers } from "../../../worker/src/adapters/redis/workers.ts";
import type { TestRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";
import noop from "./handlers/noop.ts";
import { connectTo } from "./server.ts";
import { CONCURRENCY, inCalls, type Side } from "./side.ts";

export const STREAM = "bench.tasks";
const HANDLERS = join(import.meta.dirname, "handlers");
const PATIENT = { timeoutMs: 300_000 };

/**
 * This queue with everything on: the bundle that stacks run, handlers, schema and secret checks, logs, metrics,
 * heartbeats, a spawner that sweeps and counts.
 */
export class TaskfleetSide implements Side {
  readonly #client: Client;
  readonly #redis: Redis;
  readonly #folder: string;
  readonly #main: string;
  readonly #server: TestRedis;
  readonly #children: ChildProcess[] = [];

  private constructor(server: TestRedis, folder: string, main: string) {
    this.#server = server;
    this.#folder = folder;
    this.#main = main;
    this.#client = createClient({ redisUrl: server.url, stream: STREAM });
    this.#redis = connectTo(server);
  }

  static async start(server: TestRedis, processes: number): Promise<TaskfleetSide> {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-bench-"));
    const { directory } = await buildBundle({ outDir: folder });
    const side = new TaskfleetSide(server, folder, join(directory, "main.mjs"));
    side.#run("spawner", "spawner");
    await side.#kinds();
    await side.workers(processes);
    return side;
  }

  /** Pids of the workers. */
  get pids(): readonly number[] {
    return this.#children.slice(1).flatMap(({ pid }) => pid ?? []);
  }

  get redis(): Redis {
    return this.#redis;
  }

  get client(): Client {
    return this.#client;
  }

  /** Starts further workers until there are so many. */
  async workers(count: number): Promise<void> {
    while (this.#children.length <= count) this.#run("worker", `worker-${this.#children.length}`);
    const workers = new Workers(this.#redis, STREAM);
    await waitFor(`${count} workers`, async () => (await workers.list()).length >= count, PATIENT);
  }

  async enqueue(count: number, bytes: number): Promise<void> {
    const text = "x".repeat(bytes);
    await inCalls(count, (size) =>
      this.#client.pushMany(Array.from({ length: size }, () => ({ handler: noop, payload: { text } }))),
    );
  }

  async pause(): Promise<void> {
    await setPaused(this.#redis, STREAM, true);
  }

  async resume(): Promise<void> {
    await setPaused(this.#redis, STREAM, false);
  }

  left(): Promise<number> {
    return backlog(this.#redis, STREAM);
  }

  async close(): Promise<void> {
    const running = this.#children.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const ended = running.map((child) => once(child, "exit"));
    for (const child of running) child.kill("SIGTERM");
    await Promise.all(ended);
    await this.#client.close();
    this.#redis.disconnect();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(role: "worker" | "spawner", name: string): void {
    const log = openSync(join(this.#folder, `${name}.log`), "a");
    const child = spawn(process.execPath, [this.#main, role], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        REDIS_URL: this.#server.url,
        TASKFLEET_QUEUE_NAME: STREAM,
        TASKFLEET_HANDLERS: HANDLERS,
        TASKFLEET_IMAGE_TAG: "bundle:sha256:bench",
        WORKER_CONCURRENCY: String(CONCURRENCY),
        WORKER_BATCH_SIZE: String(CONCURRENCY),
        WORKER_IDLE_EXIT: "0",
        WORKER_MAX_UPTIME: "0",
      },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#children.push(child);
  }

  #kinds(): Promise<true> {
    const published = async () => (await readKinds(this.#redis, STREAM)).size > 0;
    return waitFor("the spawner's kinds", published, PATIENT) as Promise<true>;
  }
}

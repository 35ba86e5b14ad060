import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { queueKeys } from "../../worker/contract/queue-keys.ts";
import { Keeper } from "../../worker/src/adapters/redis/keeper.ts";
import { loadHandlers } from "../../worker/src/handlers/load-handlers.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { type CliOptions, type CliRun, cleanEnv, cli, startCli } from "./support.ts";

const MAIN = fileURLToPath(new URL("../../worker/src/main.ts", import.meta.url));
const HANDLERS = fileURLToPath(new URL("../../examples/handlers", import.meta.url));
const STREAM = "peagen.tasks";

/** A real Redis with published kinds and, when asked for, real worker and spawner processes. */
export class TestFleet {
  readonly redis: TestRedis;
  readonly #processes: ChildProcess[] = [];

  private constructor(redis: TestRedis) {
    this.redis = redis;
  }

  static async start(): Promise<TestFleet> {
    const fleet = new TestFleet(await startRedis());
    await fleet.publishKinds();
    return fleet;
  }

  get env(): Record<string, string> {
    return { REDIS_URL: this.redis.url };
  }

  /** What the spawner does at its start. */
  async publishKinds(): Promise<void> {
    const handlers = await loadHandlers({ folder: HANDLERS });
    const kinds = [...handlers.values()].map(({ kind, version, description, payload }) => ({
      kind,
      version,
      description,
      payload,
    }));
    await new Keeper(this.redis.client, STREAM).publishKinds(kinds);
  }

  /** Starts a worker process and waits until it has reported. */
  async startWorker(id: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#start("worker", { ...env, WORKER_ID: id, WORKER_POLL_INTERVAL: "0.2", TASKFLEET_RETRY_BASE: "0" });
    const { workers } = queueKeys(STREAM);
    await waitFor(`the report of ${id}`, async () => (await this.redis.client.hexists(workers, id)) === 1);
  }

  /** Starts a spawner process, which starts no workers, and waits until it leads: retries come due by it. */
  async startSpawner(): Promise<void> {
    this.#start("spawner", {});
    const { leader } = queueKeys(STREAM);
    await waitFor("a leader", async () => (await this.redis.client.exists(leader)) === 1);
  }

  #start(role: "worker" | "spawner", env: Readonly<Record<string, string>>): void {
    const child = spawn(process.execPath, [MAIN, role], {
      env: cleanEnv({ ...this.env, TASKFLEET_HANDLERS: HANDLERS, ...env }),
      stdio: "ignore",
    });
    this.#processes.push(child);
  }

  cli(words: readonly string[], options: CliOptions = {}): Promise<CliRun> {
    return cli(words, { ...options, env: { ...this.env, ...options.env } });
  }

  startCli(words: readonly string[], options: CliOptions = {}): ChildProcess {
    return startCli(words, { ...options, env: { ...this.env, ...options.env } });
  }

  /** An empty queue again; kinds stay published. */
  async empty(): Promise<void> {
    await this.redis.client.flushall();
    await this.publishKinds();
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await this.redis.stop();
  }
}

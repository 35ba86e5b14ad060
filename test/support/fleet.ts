import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ResultRecord } from "../../worker/contract/records.ts";
import {
  isRunFileName,
  parseRunFile,
  type RunFile,
  supervisorOf,
  workerOf,
} from "../../worker/contract/run-file.ts";
import { isAlive, signalProcess } from "../../worker/src/adapters/processes/process-identity.ts";
import { openQueue, type TestQueue } from "./queue.ts";
import { startRedis, type TestRedis } from "./redis-server.ts";
import { waitFor } from "./wait.ts";

const MAIN = fileURLToPath(new URL("../../worker/src/main.ts", import.meta.url));
const HANDLERS = fileURLToPath(new URL("./fleet-handlers", import.meta.url));

/** A quick fleet without warm pool: one task a worker. Tests name what they change. */
const SETTINGS = {
  TASKFLEET_ACTUATOR: "process",
  TASKFLEET_HANDLERS: HANDLERS,
  // Long enough for a busy machine: no worker may be taken for dead that is not.
  TASKFLEET_LEASE: "4",
  TASKFLEET_SWEEP_INTERVAL: "0.3",
  TASKFLEET_LEADER_LEASE: "2",
  TASKFLEET_SCALE_INTERVAL: "0.3",
  TASKFLEET_SCALE_IDLE_TO_ZERO: "0.5",
  TASKFLEET_SCALE_TASKS_PER_WORKER: "1",
  TASKFLEET_SCALE_WARM_POOL: "0",
  TASKFLEET_SCALE_MAX: "3",
  TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT: "30",
  TASKFLEET_RETRY_BASE: "0.05",
  TASKFLEET_REVISION: "r1",
  WORKER_CONCURRENCY: "1",
  WORKER_BATCH_SIZE: "1",
  WORKER_POLL_INTERVAL: "0.2",
  LOG_LEVEL: "info",
};

/** A supervisor removes its run file at any time. */
function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

type Changes = Readonly<Record<string, string>>;

export interface SpawnerProcess {
  readonly child: ChildProcess;
  /** Log records so far. */
  readonly records: Record<string, unknown>[];
  /** Where /metrics answers. */
  address(): Promise<string>;
  leads(): Promise<true>;
  /** Ends it and returns its exit code, `null` for a killed one. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** A real Redis, real spawners and real workers in a folder of their own. */
export class TestFleet {
  readonly folder = mkdtempSync(join(tmpdir(), "taskfleet-fleet-"));
  readonly redis: TestRedis;
  readonly queue: TestQueue;
  readonly #settings: Changes;
  readonly #spawners: ChildProcess[] = [];

  private constructor(redis: TestRedis, changes: Changes) {
    this.redis = redis;
    this.queue = openQueue(redis, "peagen.tasks");
    this.#settings = {
      ...SETTINGS,
      REDIS_URL: redis.url,
      TASKFLEET_RUN_DIRECTORY: join(this.folder, "run"),
      TASKFLEET_LOG_DIRECTORY: join(this.folder, "logs"),
      ...changes,
    };
  }

  static async open(changes: Changes = {}): Promise<TestFleet> {
    return new TestFleet(await startRedis(), changes);
  }

  /** Starts a spawner and waits for its first record. */
  async spawner(changes: Changes = {}): Promise<SpawnerProcess> {
    const env = { ...process.env, ...this.#settings, ...changes };
    const child = spawn(process.execPath, [MAIN, "spawner"], { env, stdio: ["ignore", "pipe", "inherit"] });
    this.#spawners.push(child);
    const records: Record<string, unknown>[] = [];
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      records.push(...lines.map((line) => JSON.parse(line) as Record<string, unknown>));
    });
    const record = (message: string) =>
      waitFor(`the record ${message}`, () => records.find((one) => one.message === message));
    await record("spawner_starting");
    return {
      child,
      records,
      address: async () => String((await record("spawner_starting")).address),
      leads: async () => Boolean(await record("spawner_leading")) as true,
      end: async (signal) => {
        const ended = once(child, "exit");
        child.kill(signal);
        return (await ended)[0];
      },
    };
  }

  /** Pushes tasks that run until `open` is called with the same name; returns their ids. */
  async pushGates(name: string, count: number, delayMs = 0): Promise<string[]> {
    const task = { kind: "gate", payload: { file: this.#gate(name) }, delayMs };
    const pushed = await this.queue.producer.enqueue(Array.from({ length: count }, () => task));
    return pushed.map(({ id }) => id);
  }

  open(name: string): void {
    writeFileSync(this.#gate(name), "");
  }

  /** Waits for the results of all these tasks. */
  async results(ids: readonly string[]): Promise<ResultRecord[]> {
    return waitFor("the results", async () => {
      const outcomes = await this.queue.results.read(ids);
      const results = outcomes.map((outcome) => (outcome.state === "settled" ? outcome.result : null));
      return results.every((result) => result !== null) ? results : null;
    });
  }

  runFiles(): RunFile[] {
    const folder = join(this.folder, "run");
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter(isRunFileName)
      .flatMap((name) => {
        const text = readIfThere(join(folder, name));
        return text === null ? [] : (parseRunFile(text) ?? []);
      });
  }

  /** Ids of the workers that hold tasks, once so many do. */
  async busy(count: number): Promise<string[]> {
    return waitFor(`${count} busy workers`, async () => {
      const busy = (await this.queue.workers.list()).filter(({ holding }) => holding > 0);
      return busy.length === count ? busy.map(({ worker_id }) => worker_id) : null;
    });
  }

  /** Waits until no worker process is left. */
  async atZero(): Promise<void> {
    await waitFor("no worker to be left", () => this.runFiles().length === 0);
  }

  /** The counters of the queue's stats by field. */
  async stat(field: string): Promise<number> {
    return Number((await this.queue.stats())[field] ?? 0);
  }

  async close(): Promise<void> {
    for (const child of this.#spawners)
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    const processes = this.runFiles().flatMap((file) => [supervisorOf(file), workerOf(file) ?? []].flat());
    for (const one of processes) signalProcess(one, "SIGKILL");
    await waitFor("all processes to be gone", () => !processes.some(isAlive));
    this.queue.close();
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #gate(name: string): string {
    return join(this.folder, `gate-${name}`);
  }
}

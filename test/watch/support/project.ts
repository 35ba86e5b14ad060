import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { composeBinary } from "../../../components/paths.ts";
import type { ResultRecord } from "../../../worker/contract/records.ts";
import { type DockerEngine, engineProblem } from "../../support/docker-engine.ts";
import { openQueue, type TestQueue } from "../../support/queue.ts";
import type { TestRedis } from "../../support/redis-server.ts";
import { basesProblem } from "../../support/standins/bases.ts";
import { makeServers, serversProblem } from "../../support/standins/servers.ts";
import { buildTarget, standinBases } from "../../support/standins/taskfleet.ts";
import { waitFor } from "../../support/wait.ts";
import { Role } from "./role.ts";

const HANDLERS = fileURLToPath(new URL("../handlers", import.meta.url));
const IMAGE = "taskfleet-watch-test-worker";
const WATCHER_IMAGE = "taskfleet-watch-test-watch-queue";
const STREAM = "peagen.tasks";

/** Quick, one task a worker, without warm pool. */
const FLEET = {
  TASKFLEET_LEASE: "6",
  TASKFLEET_SWEEP_INTERVAL: "0.5",
  TASKFLEET_RETRY_BASE: "0.05",
  TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT: "60",
  WORKER_CONCURRENCY: "1",
  WORKER_BATCH_SIZE: "1",
  WORKER_POLL_INTERVAL: "0.2",
  WORKER_IDLE_EXIT: "0",
};
const SPAWNER = {
  ...FLEET,
  TASKFLEET_HANDLERS: HANDLERS,
  TASKFLEET_LEADER_LEASE: "3",
  TASKFLEET_SCALE_INTERVAL: "0.5",
  TASKFLEET_SCALE_IDLE_TO_ZERO: "1",
  TASKFLEET_SCALE_TASKS_PER_WORKER: "1",
  TASKFLEET_SCALE_WARM_POOL: "0",
  TASKFLEET_SCALE_MAX: "3",
};
const WATCHER = {
  TASKFLEET_LEASE: FLEET.TASKFLEET_LEASE,
  TASKFLEET_LEADER_LEASE: "3",
  TASKFLEET_WATCH_INTERVAL: "1",
};

type Changes = Readonly<Record<string, string>>;

export interface SeenContainer {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

/** Why a project cannot be run here, in words; `undefined` when it can. */
export function projectProblem(): string | undefined {
  const compose = existsSync(composeBinary()) ? undefined : "Docker Compose is not set up";
  return engineProblem({ networks: true }) ?? basesProblem() ?? serversProblem() ?? compose;
}

/** Makes the images that a project runs; gives their references. */
export function makeImages(engine: DockerEngine): { readonly worker: string; readonly redis: string } {
  buildTarget(engine, "worker", IMAGE, standinBases(engine));
  return { worker: IMAGE, redis: makeServers(engine).redis };
}

/** Makes the watcher's own image; gives its reference. */
export function makeWatcherImage(engine: DockerEngine): string {
  buildTarget(engine, "watch-queue", WATCHER_IMAGE, standinBases(engine));
  return WATCHER_IMAGE;
}

let projects = 0;

/** A Compose project with Redis and workers on a real engine; spawner and watcher are processes of this machine. */
export class TestProject {
  readonly name = `watch-test-${process.pid}-${projects++}`;
  readonly folder = mkdtempSync(join(tmpdir(), "taskfleet-watch-"));
  readonly queue: TestQueue;
  readonly url: string;
  readonly #engine: DockerEngine;
  readonly #images: ReturnType<typeof makeImages>;
  readonly #roles: Role[] = [];

  constructor(engine: DockerEngine, images: ReturnType<typeof makeImages>) {
    this.#engine = engine;
    this.#images = images;
    for (const place of ["gates", "home"]) mkdirSync(join(this.folder, place));
    chmodSync(this.folder, 0o755);
    chmodSync(join(this.folder, "gates"), 0o777);
    this.define("r1");
    this.compose("up", "--detach", "redis");
    const port = this.compose("port", "redis", "6379").trim().split(":").at(-1);
    this.url = `redis://127.0.0.1:${port}`;
    this.queue = openQueue({ url: this.url } as TestRedis, STREAM);
  }

  /** Writes compose.yaml with workers of that revision. */
  define(revision: string, changes: Changes = {}, image: string = this.#images.worker): void {
    const environment = {
      ...FLEET,
      REDIS_URL: "redis://redis:6379",
      TASKFLEET_REVISION: revision,
      TASKFLEET_HANDLERS: "/handlers",
      ...changes,
    };
    const worker = {
      image,
      restart: "no",
      deploy: { replicas: 0 },
      stop_grace_period: "90s",
      mem_limit: "256m",
      memswap_limit: "256m",
      read_only: true,
      tmpfs: ["/tmp"],
      cap_drop: ["ALL"],
      environment,
      volumes: [`${HANDLERS}:/handlers:ro`, `${this.folder}/gates:/gates`],
    };
    const redis = {
      image: this.#images.redis,
      command: ["redis-server", "--save", "", "--appendonly", "no", "--protected-mode", "no"],
      ports: ["127.0.0.1::6379"],
    };
    // JSON is YAML.
    writeFileSync(join(this.folder, "compose.yaml"), JSON.stringify({ services: { redis, worker } }));
  }

  /** What a person does in the project's folder. */
  compose(...words: readonly string[]): string {
    return execFileSync(composeBinary(), ["--project-name", this.name, ...words], {
      ...{ cwd: this.folder, env: this.#engine.environment, encoding: "utf8" },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  docker(...words: readonly string[]): string {
    return this.#engine.run(...words);
  }

  async spawner(changes: Changes = {}): Promise<Role> {
    const role = this.#start("spawner", { ...SPAWNER, ...changes });
    await role.said("spawner_leading");
    return role;
  }

  async watcher(changes: Changes = {}): Promise<Role> {
    const role = this.#start("watch-queue", {
      ...WATCHER,
      TASKFLEET_WATCH_PROJECT: this.name,
      TASKFLEET_WATCH_DIRECTORY: this.folder,
      TASKFLEET_WATCH_COMPOSE: composeBinary(),
      ...changes,
    });
    await role.said("watch_starting");
    return role;
  }

  /** Starts a watcher in its own image, hardened as the target does it, with the engine's socket. Gives its name. */
  watcherContainer(image: string): string {
    const name = `${this.name}-watcher`;
    const socket = this.#engine.host.replace(/^unix:\/\//, "");
    const settings = {
      ...WATCHER,
      REDIS_URL: "redis://redis:6379",
      TASKFLEET_WATCH_PROJECT: this.name,
      TASKFLEET_WATCH_DIRECTORY: this.folder,
    };
    this.docker(
      ...["run", "--detach", "--name", name, "--network", `${this.name}_default`],
      ...["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
      ...["--user", "65532:65532", "--group-add", String(statSync(socket).gid)],
      ...["--volume", `${socket}:/var/run/docker.sock`, "--volume", `${this.folder}:${this.folder}:ro`],
      ...Object.entries(settings).flatMap(([variable, value]) => ["--env", `${variable}=${value}`]),
      ...[image, "watch-queue"],
    );
    return name;
  }

  /** The worker's containers, newest first. */
  containers(): SeenContainer[] {
    const filters = [
      `label=com.docker.compose.project=${this.name}`,
      "label=com.docker.compose.service=worker",
    ];
    const format = "{{.ID}} {{.Names}} {{.State}}";
    const words = ["ps", "--all", ...filters.flatMap((filter) => ["--filter", filter]), "--format", format];
    const lines = this.docker(...words)
      .split("\n")
      .filter(Boolean);
    return lines.map((line) => {
      const [id = "", name = "", state = ""] = line.split(" ");
      return { id, name, state };
    });
  }

  running(): string[] {
    return this.containers()
      .filter(({ state }) => state === "running")
      .map(({ id }) => id);
  }

  /** Waits until so many run and no other exists; gives their ids. */
  async settled(count: number): Promise<string[]> {
    return waitFor(
      `${count} containers`,
      () => {
        const all = this.containers();
        const right = all.length === count && all.every(({ state }) => state === "running");
        return right ? all.map(({ id }) => id) : null;
      },
      { everyMs: 200, timeoutMs: 120_000 },
    );
  }

  /** Pushes tasks that run until `open` is called with the same name; returns their ids. */
  async pushGates(name: string, count: number): Promise<string[]> {
    const task = { kind: "gate", payload: { file: `/gates/${name}` } };
    const pushed = await this.queue.producer.enqueue(Array.from({ length: count }, () => task));
    return pushed.map(({ id }) => id);
  }

  open(name: string): void {
    writeFileSync(join(this.folder, "gates", name), "");
  }

  /** Ids of the containers whose workers hold tasks, once so many do. */
  async busy(count: number): Promise<string[]> {
    return waitFor(
      `${count} busy workers`,
      async () => {
        const busy = (await this.queue.workers.list()).filter(({ holding }) => holding > 0);
        return busy.length === count ? busy.map(({ host }) => host) : null;
      },
      { everyMs: 100, timeoutMs: 120_000 },
    );
  }

  async results(ids: readonly string[]): Promise<ResultRecord[]> {
    return waitFor("the results", async () => {
      const outcomes = await this.queue.results.read(ids);
      const results = outcomes.map((outcome) => (outcome.state === "settled" ? outcome.result : null));
      return results.every((result) => result !== null) ? results : null;
    });
  }

  /** Ends of workers by reason, without those that are 0. */
  async exits(): Promise<Readonly<Record<string, number>>> {
    const stats = Object.entries(await this.queue.stats());
    return Object.fromEntries(
      stats
        .filter(([field]) => field.startsWith("exit:"))
        .map(([field, value]) => [field.slice("exit:".length), Number(value)]),
    );
  }

  async close(): Promise<void> {
    for (const role of this.#roles) await role.end("SIGKILL");
    this.queue.close();
    this.compose("down", "--volumes", "--timeout", "0", "--remove-orphans");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #start(word: string, settings: Changes): Role {
    const env = { ...this.#engine.environment, LOG_LEVEL: "info", REDIS_URL: this.url, ...settings };
    const role = new Role(word, env);
    this.#roles.push(role);
    return role;
  }
}

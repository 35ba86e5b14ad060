/** A real fleet with all that Prometheus scrapes of it: spawner, workers, API, backups, the exporter for Redis. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeRecord } from "../backup/support.ts";
import { cleanEnv, cli, startCli } from "../cli/support.ts";
import { TestFleet } from "../support/fleet.ts";
import { startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";
import { answers, end } from "./prometheus.ts";

const MAIN = fileURLToPath(new URL("../../worker/src/main.ts", import.meta.url));
const API_KEY = "the-key-of-the-watched-fleet";
const MAX_MEMORY = "200mb";

/** Addresses (`host:port`) by role. */
export type Targets = Readonly<Record<string, readonly string[]>>;

interface Reached {
  readonly targets: Targets;
  readonly apiUrl: string;
  readonly closedPort: number;
}

const hostOf = (address: string) => new URL(address).host;

export class WatchedFleet {
  readonly fleet: TestFleet;
  readonly targets: Targets;
  readonly #apiUrl: string;
  /** Where nothing listens: the service outside that fails. */
  readonly #closedPort: number;
  readonly #postgres: TestPostgres;
  readonly #children: readonly ChildProcess[];

  private constructor(
    fleet: TestFleet,
    postgres: TestPostgres,
    children: readonly ChildProcess[],
    { targets, apiUrl, closedPort }: Reached,
  ) {
    this.fleet = fleet;
    this.#postgres = postgres;
    this.#children = children;
    this.targets = targets;
    this.#apiUrl = apiUrl;
    this.#closedPort = closedPort;
  }

  /** Two workers hold tasks when it is there, and are kept. */
  static async start(): Promise<WatchedFleet> {
    const postgres = await startPostgres();
    const urls = await makeRecord(postgres);
    const closedPort = await quietPort();
    const fleet = await TestFleet.open({
      DATABASE_URL: urls.app,
      TASKFLEET_SCALE_MIN: "2",
      TASKFLEET_SCALE_MAX: "2",
      TASKFLEET_SCALE_IDLE_TO_ZERO: "600",
      TASKFLEET_CIRCUIT_FAILURES: "1",
      TASKFLEET_HTTP_ALLOW: `127.0.0.1:${closedPort}`,
      WORKER_CONCURRENCY: "4",
    });
    await fleet.redis.client.config("SET", "maxmemory", MAX_MEMORY);
    const spawner = await fleet.spawner();
    await spawner.leads();
    const [apiHttp, apiPort, backupPort, exporterPort, watchPort] = await Promise.all(
      [1, 2, 3, 4, 5].map(quietPort),
    );
    const environment = { REDIS_URL: fleet.redis.url, TASKFLEET_QUEUE_NAME: fleet.queue.stream };
    const children = [
      spawn(process.execPath, [MAIN, "api"], {
        env: cleanEnv({
          ...environment,
          DATABASE_URL: urls.app,
          TASKFLEET_API_KEY: API_KEY,
          TASKFLEET_API_PORT: String(apiPort),
          TASKFLEET_HTTP_PORT: String(apiHttp),
        }),
        stdio: "ignore",
      }),
      startCli(["backup", "run"], {
        env: {
          ...environment,
          TASKFLEET_DATABASE_BACKUP_URL: urls.backup,
          TASKFLEET_BACKUP_DIRECTORY: join(fleet.folder, "backups"),
          TASKFLEET_HTTP_PORT: String(backupPort),
        },
      }),
      // It has no engine here, which is one of the failures that it counts.
      startCli(["watch-queue"], {
        env: {
          ...environment,
          DOCKER_HOST: `unix://${join(fleet.folder, "no-engine.sock")}`,
          TASKFLEET_WATCH_PROJECT: "watched",
          TASKFLEET_WATCH_DIRECTORY: fleet.folder,
          TASKFLEET_WATCH_INTERVAL: "1",
          TASKFLEET_HTTP_PORT: String(watchPort),
        },
      }),
      spawn(
        "prometheus-redis-exporter",
        [`-redis.addr=${fleet.redis.url}`, `-web.listen-address=127.0.0.1:${exporterPort}`],
        { stdio: "ignore" },
      ),
    ];
    const local = (port: number | undefined) => `127.0.0.1:${port}`;
    const watched = [apiHttp, backupPort, exporterPort, watchPort].map(local);
    for (const address of watched)
      await waitFor(`metrics at ${address}`, () => answers(`http://${address}/metrics`));
    await fleet.pushGates("load", 6);
    const workers = await waitFor("two workers", async () => {
      const live = await fleet.queue.workers.list();
      return live.length === 2 && live.every(({ address }) => address !== "") ? live : null;
    });
    const targets = {
      spawner: [hostOf(await spawner.address())],
      worker: workers.map(({ address }) => hostOf(address)),
      api: [local(apiHttp)],
      backup: [local(backupPort)],
      "watch-queue": [local(watchPort)],
      "redis-exporter": [local(exporterPort)],
    };
    return new WatchedFleet(fleet, postgres, children, {
      targets,
      apiUrl: `http://127.0.0.1:${apiPort}`,
      closedPort,
    });
  }

  /** Tasks of several kinds that end in every way there is; returns when all have. */
  async load(): Promise<void> {
    const { queue } = this.fleet;
    const tasks = (count: number, kind: string, payload: object) =>
      Array.from({ length: count }, () => ({ kind, payload }));
    const settled = await queue.producer.enqueue([
      ...tasks(30, "coin", { failures: 0 }),
      ...tasks(5, "coin", { failures: 1 }),
      ...tasks(10, "execute", { command: ["true"] }),
      ...tasks(5, "execute", { command: ["false"] }),
    ]);
    await queue.producer.enqueue([
      ...tasks(3, "coin", { failures: 99 }),
      ...tasks(1, "http", { url: `http://127.0.0.1:${this.#closedPort}/` }),
    ]);
    const [cancelled] = await this.fleet.pushGates("never", 1);
    await this.#cancel(cancelled ?? "");
    await this.#askApi();
    await waitFor("an open circuit", async () => (await this.fleet.stat("circuit-opened")) > 0);
    await waitFor("three dead letters", async () => (await queue.redis.hlen(queue.keys.deadLetters)) >= 3);
    await this.fleet.results(settled.map(({ id }) => id));
  }

  /** Lets the tasks end that have kept the workers busy. */
  drain(): void {
    this.fleet.open("load");
  }

  async close(): Promise<void> {
    this.fleet.open("load");
    this.fleet.open("never");
    for (const child of this.#children) await end(child);
    await this.fleet.close();
    await this.#postgres.stop();
  }

  async #cancel(id: string): Promise<void> {
    const env = { REDIS_URL: this.fleet.redis.url, TASKFLEET_QUEUE_NAME: this.fleet.queue.stream };
    const { code, err } = await cli(["cancel", id], { env });
    if (code !== 0) throw new Error(err);
  }

  /** Some requests that succeed, and one that is refused. */
  async #askApi(): Promise<void> {
    const headers = { authorization: `Bearer ${API_KEY}` };
    for (const asked of ["/api/runs", "/api/runs", "/api/queue"])
      await fetch(`${this.#apiUrl}${asked}`, { headers });
    await fetch(`${this.#apiUrl}/api/runs`);
  }
}

/** A server that keeps what is posted to it. */
export async function startReceiver(): Promise<{ url: string; received: unknown[]; stop(): void }> {
  const received: unknown[] = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      received.push(JSON.parse(body));
      answer.end();
    });
  });
  const port = await quietPort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${port}/`, received, stop: () => void server.close() };
}

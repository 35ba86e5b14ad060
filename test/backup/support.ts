import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database, ONE_CONNECTION } from "../../worker/src/adapters/postgres/database.ts";
import { migrate } from "../../worker/src/adapters/postgres/migrate.ts";
import { type RoleUrls, setUpRoles } from "../../worker/src/adapters/postgres/roles.ts";
import { PostgresStore } from "../../worker/src/adapters/postgres/store.ts";
import { RecordStream } from "../../worker/src/adapters/redis/record-stream.ts";
import { Recorder } from "../../worker/src/recorder/recorder.ts";
import { type CliRun, cli } from "../cli/support.ts";
import { listeningLogger } from "../record/support.ts";
import { startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { bury, openQueue, resultOf, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

export const REDIS_PASSWORD = "the-redis-password-of-the-test";

/** A fleet's servers, with the roles of its database, and a folder for backups. */
export interface BackedUp {
  readonly queue: TestQueue;
  readonly redis: TestRedis;
  readonly postgres: TestPostgres;
  readonly urls: RoleUrls;
  readonly store: PostgresStore;
  readonly source: RecordStream;
  /** Of this test alone. */
  readonly folder: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Has the record read all that was told. */
  recorded(): Promise<void>;
  backup(...words: string[]): Promise<CliRun>;
}

let databases = 0;

/** Roles and tables of a new database. */
export async function makeRecord(postgres: TestPostgres): Promise<RoleUrls> {
  const name = `record_${process.pid}_${databases++}`;
  const url = (role: string) =>
    `postgresql://taskfleet_${role}:pass-of-${role}@127.0.0.1:${postgres.port}/${name}`;
  const urls = { app: url("app"), migrate: url("migrate"), backup: url("backup") };
  await setUpRoles(postgres.adminUrl(), urls, "");
  return urls;
}

export async function openStore(url: string): Promise<PostgresStore> {
  return PostgresStore.open({ url, prefix: "", pool: { ...ONE_CONNECTION, size: 3, name: "test" } });
}

/** Runs a recorder until it has read what a queue told. */
export async function readAll(queue: TestQueue, store: PostgresStore): Promise<void> {
  const source = new RecordStream(queue.redis, queue.stream);
  const recorder = new Recorder({
    ...{ queue: queue.stream, source, store, logger: listeningLogger([]), now: () => performance.now() },
    ...{ bufferBytes: 64_000_000, batchRows: 5_000, intervalMs: 20 },
  });
  const target = await source.lastId();
  await waitFor("the record", async () => {
    await recorder.step();
    return (await store.position(queue.stream)) === target;
  });
}

/** Gives every test servers of its own; they hold nothing. */
export function withServers(use: (made: BackedUp) => void): void {
  let made: BackedUp;
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());
  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-backup-"));
    // Else the server waits for further replicas before it sends its data.
    const redis = await startRedis(["--repl-diskless-sync-delay", "0"]);
    const queue = openQueue(redis);
    const urls = await makeRecord(postgres);
    const owner = await Database.open(urls.migrate, { ...ONE_CONNECTION, name: "test" });
    await migrate(owner, "");
    await owner.close();
    const store = await openStore(urls.app);
    const source = new RecordStream(queue.redis, queue.stream);
    await source.on(64_000_000);
    const directory = join(folder, "backups");
    const env = {
      REDIS_URL: redis.url,
      TASKFLEET_QUEUE_NAME: queue.stream,
      TASKFLEET_DATABASE_BACKUP_URL: urls.backup,
      TASKFLEET_BACKUP_DIRECTORY: directory,
    };
    made = {
      ...{ queue, redis, postgres, urls, store, source, folder, directory, env },
      recorded: () => readAll(queue, store),
      backup: (...words) => cli(["backup", ...words], { env, cwd: folder }),
    };
    use(made);
  });
  afterEach(async () => {
    made.queue.close();
    await made.store.close();
    await made.redis.stop();
    rmSync(made.folder, { recursive: true, force: true });
  });
}

export interface Filled {
  readonly waiting: readonly string[];
  readonly running: string;
  readonly delayed: string;
  readonly dead: string;
  readonly settled: string;
}

/** A queue with tasks in every state, and their record. */
export async function fill({ queue, recorded }: BackedUp): Promise<Filled> {
  const consumer = queue.consumer("w-old");
  const dead = await bury(queue, consumer);
  const settled = await queue.push({ payload: { text: "ä \u0000 ☃" } });
  const done = await queue.take(consumer);
  await consumer.settle([{ task: done, result: resultOf(done), runtimeMs: 5 }]);
  const running = await queue.push();
  await queue.take(consumer);
  const waiting = [
    await queue.push({ priority: "high" }),
    await queue.push(),
    await queue.push({ priority: "low" }),
  ];
  const delayed = await queue.push({ delayMs: 3_600_000 });
  await recorded();
  return { waiting, running, delayed, dead, settled };
}

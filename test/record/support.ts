import type { Run, RunWithLog } from "../../worker/contract/runs.ts";
import { ONE_CONNECTION } from "../../worker/src/adapters/postgres/database.ts";
import { migrate } from "../../worker/src/adapters/postgres/migrate.ts";
import { PostgresStore } from "../../worker/src/adapters/postgres/store.ts";
import { RecordStream } from "../../worker/src/adapters/redis/record-stream.ts";
import type { Logger } from "../../worker/src/logging/logger.ts";
import { Recorder, type RecorderOptions } from "../../worker/src/recorder/recorder.ts";
import { openDatabase, startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { openQueue, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

/** A queue whose scripts tell what they change, and an empty record for it. */
export interface RecordedQueue {
  readonly queue: TestQueue;
  readonly source: RecordStream;
  readonly store: PostgresStore;
  readonly url: string;
  readonly postgres: TestPostgres;
  /** What was logged: level, fields, event. */
  readonly logged: readonly LoggedLine[];
  readonly logger: Logger;
  recorder(more?: Partial<RecorderOptions>): Recorder;
  /** A run, which must be there. */
  run(id: string): Promise<RunWithLog>;
}

export interface LoggedLine {
  readonly level: string;
  readonly event: string;
  readonly fields: Record<string, unknown>;
}

export async function migratedDatabase(postgres: TestPostgres): Promise<string> {
  const url = await postgres.database();
  const database = await openDatabase(url);
  await migrate(database, "");
  await database.close();
  return url;
}

export function openStore(url: string): Promise<PostgresStore> {
  const pool = { ...ONE_CONNECTION, size: 3, timeoutMs: 2_000, name: "test" };
  return PostgresStore.open({ url, prefix: "", pool });
}

/** Keeps what is logged. */
export function listeningLogger(lines: LoggedLine[]): Logger {
  const at = (level: string) => (fields: Record<string, unknown>, event: string) => {
    lines.push({ level, event, fields });
  };
  return { info: at("info"), warn: at("warn"), error: at("error"), debug: at("debug") } as unknown as Logger;
}

/** The same store or source, but for some of its methods. */
export function changed<T extends object>(of: T, methods: Partial<T>): T {
  return new Proxy(of, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in methods ? methods : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Gives every test a queue and a database of their own; the suite's tests share the servers. */
export function withRecord(use: (record: RecordedQueue) => void): void {
  let redis: TestRedis;
  let postgres: TestPostgres;
  let queue: TestQueue;
  let store: PostgresStore;
  before(async () => {
    [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  });
  beforeEach(async () => {
    queue = openQueue(redis);
    const url = await migratedDatabase(postgres);
    store = await openStore(url);
    const source = new RecordStream(queue.redis, queue.stream);
    await source.on(64_000_000);
    const logged: LoggedLine[] = [];
    const logger = listeningLogger(logged);
    const made = store;
    use({
      ...{ queue, source, store, url, postgres, logged, logger },
      recorder: (more = {}) =>
        new Recorder({
          ...{ queue: queue.stream, source, store: made, logger, now: () => performance.now() },
          ...{ bufferBytes: 64_000_000, batchRows: 5_000, intervalMs: 20, ...more },
        }),
      run: async (id) => {
        const run = await made.run(queue.stream, id);
        if (run === undefined) throw new Error(`there is no run ${id}`);
        return run;
      },
    });
  });
  afterEach(async () => {
    queue.close();
    await store.close();
  });
  after(async () => {
    await redis.stop();
    await postgres.stop();
  });
}

/** A run as tests make it: queued a minute past the epoch. */
export function runOf(queue: string, id: string, more: Partial<Run> = {}): Run {
  return {
    ...{
      queue,
      id,
      kind: "k",
      status: "queued",
      agent_id: id,
      priority: "normal",
      attempts: 0,
      deliveries: 0,
    },
    ...{ created_at: 60_000, updated_at: 60_000, due_at: null, started_at: null, finished_at: null },
    ...{ worker_id: null, handler_version: null, image_tag: null, reason: null, message: null },
    ...{ trace_id: null, progress: null, ...more },
  };
}

import { queueKeys } from "../../../worker/contract/queue-keys.ts";
import { migratedDatabase } from "../../record/support.ts";
import { rows, type TestPostgres } from "../../support/postgres-server.ts";
import type { TestRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";
import { benchRedis, processorMs } from "../queue/server.ts";
import { STREAM, TaskfleetSide } from "../queue/taskfleet-side.ts";
import { serverMs } from "./server.ts";

const NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/none";
const KEYS = queueKeys(STREAM);

/** Processor time so far, in ms, by who spent it. */
export type Used = Readonly<Record<string, number>>;

/** A fleet of one worker process with the record, or without. */
export class RecordSide {
  readonly fleet: TaskfleetSide;
  readonly #server: TestRedis;
  readonly #postgres: TestPostgres | null;
  readonly #url: string;

  private constructor(fleet: TaskfleetSide, server: TestRedis, postgres: TestPostgres | null, url: string) {
    this.fleet = fleet;
    this.#server = server;
    this.#postgres = postgres;
    this.#url = url;
  }

  /** Without a record, with one, or with one whose database is away: then changes are told and nobody writes them. */
  static async start(postgres: TestPostgres | null, away = false): Promise<RecordSide> {
    const server = await benchRedis();
    const url = away ? NOWHERE : postgres === null ? "" : await migratedDatabase(postgres);
    const fleet = await TaskfleetSide.start(server, 1, url === "" ? {} : { DATABASE_URL: url });
    return new RecordSide(fleet, server, postgres, url);
  }

  /** Waits until the record has everything. */
  async recorded(): Promise<void> {
    if (this.#postgres === null) return;
    const empty = async () => (await this.fleet.redis.xlen(KEYS.events)) === 0;
    await waitFor("the record to have all", empty, { timeoutMs: 600_000 });
  }

  async lost(): Promise<number> {
    return Number((await this.fleet.redis.hget(KEYS.record, "lost")) ?? 0);
  }

  /** Rows of tasks that ended well. */
  async rows(): Promise<number> {
    const [found] = await rows(this.#url, "SELECT count(*)::int AS n FROM runs WHERE status = 'success'");
    return Number(found?.n);
  }

  used(): Used {
    const { pids, spawnerPid } = this.fleet;
    const { user, system } = process.cpuUsage();
    return {
      "the worker": pids.reduce((sum, pid) => sum + processorMs(pid), 0),
      Redis: processorMs(Number(this.#server.process.pid)),
      "the spawner": processorMs(spawnerPid),
      ...(this.#postgres !== null && { PostgreSQL: serverMs(this.#postgres) }),
      "the benchmark": (user + system) / 1000,
    };
  }

  /** What each used since then, in % of a core. */
  shares(before: Used, ms: number): Used {
    const spent = Object.entries(this.used()).map(([who, used]) => [
      who,
      (100 * (used - (before[who] ?? 0))) / ms,
    ]);
    return Object.fromEntries(spent) as Used;
  }

  async close(): Promise<void> {
    await this.fleet.close();
    await this.#server.stop();
  }
}

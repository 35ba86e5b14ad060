import { type DatabaseNames, databaseNames } from "../../../contract/database.ts";
import type { Run, RunWithLog } from "../../../contract/runs.ts";
import {
  type ActivityStore,
  type ExpireOptions,
  MigrationsMissingError,
  type OpenFilter,
  type RunCounts,
  type RunFilter,
  type RunPage,
  StoreUnavailableError,
  type StoreWrite,
} from "../../ports/activity-store.ts";
import { Database, type PoolOptions } from "./database.ts";
import { expireRuns } from "./expire.ts";
import { migrationState } from "./migrate.ts";
import { readCounts, readOpen, readRun, readRuns } from "./read-runs.ts";
import { insertLines, lineValues, runColumns, runValues, upsertRuns } from "./run-rows.ts";

export interface StoreOptions {
  /** A function is asked for each new connection. */
  readonly url: string | (() => string);
  readonly prefix: string;
  readonly pool: PoolOptions;
}

/** How long `ready` waits for an answer. */
const READY_MS = 1_500;
/** The position before the first event. */
const NONE = "";

/** The record in PostgreSQL. */
export class PostgresStore implements ActivityStore {
  readonly #database: Database;
  readonly #prefix: string;
  readonly #names: DatabaseNames;

  private constructor(database: Database, prefix: string) {
    this.#database = database;
    this.#prefix = prefix;
    this.#names = databaseNames(prefix);
  }

  /** Connects with the first query. @throws TaskfleetError for a URL, RangeError for a prefix that is none. */
  static async open({ url, prefix, pool }: StoreOptions): Promise<PostgresStore> {
    return new PostgresStore(await Database.open(url, pool), prefix);
  }

  /** Host, port and database. */
  get address(): string {
    return this.#database.address;
  }

  run(queue: string, id: string): Promise<RunWithLog | undefined> {
    return readRun(this.#database, this.#names, queue, id);
  }

  runs(queue: string, filter: RunFilter): Promise<RunPage> {
    return readRuns(this.#database, this.#names, queue, filter);
  }

  counts(queue: string): Promise<RunCounts> {
    return readCounts(this.#database, this.#names, queue);
  }

  open(queue: string, filter: OpenFilter): Promise<readonly Run[]> {
    return readOpen(this.#database, this.#names, queue, filter);
  }

  async ready(): Promise<void> {
    const timer = Promise.withResolvers<never>();
    const timeout = setTimeout(() => {
      const reason = `no answer within ${READY_MS / 1000} s`;
      timer.reject(new StoreUnavailableError(`cannot use PostgreSQL at ${this.address}: ${reason}`));
    }, READY_MS);
    try {
      const state = migrationState(this.#database, this.#prefix);
      const { missing } = await Promise.race([state, timer.promise]);
      if (missing.length > 0) throw new MigrationsMissingError(missing);
    } finally {
      clearTimeout(timeout);
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async position(queue: string): Promise<string | null> {
    const text = `SELECT last_event FROM ${this.#names.recorder} WHERE queue = $1`;
    const [row] = await this.#database.query<{ last_event: string }>(text, [queue]);
    return row === undefined || row.last_event === NONE ? null : row.last_event;
  }

  write(queue: string, { ids, change, position }: StoreWrite): Promise<"written" | "moved"> {
    const { activity, log, recorder } = this.#names;
    return this.#database.transaction(async (queries) => {
      await queries.query(
        `INSERT INTO ${recorder} (queue, last_event, rows, updated_at) VALUES ($1, '', 0, now())
         ON CONFLICT DO NOTHING`,
        [queue],
      );
      // Writers of a queue take turns at this row, so that what is read here is what gets changed.
      const [row] = await queries.query<{ last_event: string }>(
        `SELECT last_event FROM ${recorder} WHERE queue = $1 FOR UPDATE`,
        [queue],
      );
      if (position !== undefined && row?.last_event !== (position.from ?? NONE)) return "moved";
      const known = await queries.query<Run>(
        `SELECT ${runColumns("a")} FROM ${activity} a WHERE queue = $1 AND id = ANY($2)`,
        [queue, ids],
      );
      const { runs, lines } = change(new Map(known.map((run) => [run.id, run])));
      if (runs.length > 0) await queries.query(upsertRuns(activity), runValues(queue, runs));
      if (lines.length > 0) await queries.query(insertLines(log), lineValues(queue, lines));
      if (position !== undefined) {
        await queries.query(
          `UPDATE ${recorder} SET last_event = $2, rows = rows + $3, updated_at = now() WHERE queue = $1`,
          [queue, position.to, runs.length],
        );
      }
      return "written";
    });
  }

  expire(options: ExpireOptions): Promise<number> {
    return expireRuns(this.#database, this.#names, options);
  }
}

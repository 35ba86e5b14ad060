import type { Pool, PoolClient, QueryResultRow } from "pg";
import { StoreUnavailableError } from "../../ports/activity-store.ts";
import { databaseAddress, eachHost, forDriver } from "./connection-string.ts";
import { translate } from "./translate-error.ts";

/** Times in ms. */
export interface PoolOptions {
  /** Connections that are kept. */
  readonly size: number;
  /** Further ones at a peak; idle ones are closed after 10 s. */
  readonly overflow: number;
  /** How long a query waits for a connection. */
  readonly timeoutMs: number;
  /** Age at which a connection is replaced. */
  readonly recycleMs: number;
  /** A connection that was idle is tried before a query gets it. */
  readonly prePing: boolean;
  /** Shown in `pg_stat_activity`. */
  readonly name: string;
  /** A clock in ms; default: this process' own. */
  readonly now?: () => number;
}

/** What the settings leave for a command that does one thing. */
export const ONE_CONNECTION: Omit<PoolOptions, "name"> = {
  size: 1,
  overflow: 1,
  timeoutMs: 10_000,
  recycleMs: 1_800_000,
  prePing: true,
};

const IDLE_MS = 10_000;
/** Idle for less than this, a connection is taken to be alive. */
const FRESH_MS = 1_000;
const PING_MS = 5_000;
/** What the pool says when a query waited in vain. */
const NONE_FREE = "timeout exceeded when trying to connect";
/** A server that hangs must not hold its callers for ever. */
const QUERY_MS = 60_000;

/** One statement at a time; no prepared statements, so that PgBouncer in transaction mode may stand between. */
export interface Queries {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** A pool of connections. Errors are those of the port, or what PostgreSQL said. */
export class Database implements Queries {
  /** Host, port and database. */
  readonly address: string;
  readonly #pool: Pool;
  readonly #options: PoolOptions;
  readonly #url: () => string;
  readonly #now: () => number;
  /** Which of the URL's hosts new connections go to. */
  #host = 0;
  readonly #idleSince = new WeakMap<PoolClient, number>();

  private constructor(url: () => string, pool: Pool, options: PoolOptions) {
    this.address = databaseAddress(url());
    this.#url = url;
    this.#pool = pool;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    // An idle connection that broke is dropped by the pool; the next query makes another.
    pool.on("error", () => {});
    // One that breaks between two queries of a transaction; the next query rejects.
    pool.on("connect", (client) => client.on("error", () => {}));
  }

  /**
   * Loads the driver; connects with the first query. `url`: a function is asked for each new connection, for the
   * password may rotate. @throws TaskfleetError when the URL is none.
   */
  static async open(url: string | (() => string), options: PoolOptions): Promise<Database> {
    const { default: pg } = await import("pg");
    const current = typeof url === "function" ? url : () => url;
    const pool = new pg.Pool({
      connectionString: forDriver(eachHost(current())[0] ?? ""),
      application_name: options.name,
      min: options.size,
      max: options.size + options.overflow,
      idleTimeoutMillis: IDLE_MS,
      connectionTimeoutMillis: options.timeoutMs,
      maxLifetimeSeconds: options.recycleMs / 1000,
      query_timeout: QUERY_MS,
      keepAlive: true,
    });
    return new Database(current, pool, options);
  }

  /** The pool itself, for the migrator. */
  get pool(): Pool {
    return this.#pool;
  }

  async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    return this.#with((queries) => queries.query<Row>(text, values));
  }

  /** Commits what `work` did, or rolls it back when it rejects. */
  async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.#with(async (queries) => {
      await queries.query("BEGIN");
      try {
        const result = await work(queries);
        await queries.query("COMMIT");
        return result;
      } catch (error) {
        await queries.query("ROLLBACK").catch(() => {
          // the connection is gone, and the transaction with it
        });
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #with<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    let broken: Error | undefined;
    try {
      client = await this.#connect();
      return await work(queriesOf(client));
    } catch (error) {
      const translated = translate(error, this.address);
      // A query that timed out leaves its answer on the way: the connection is of no more use.
      if (translated instanceof StoreUnavailableError) broken = translated;
      throw translated;
    } finally {
      if (client !== undefined) {
        this.#idleSince.set(client, this.#now());
        client.release(broken);
      }
    }
  }

  get #most(): number {
    return this.#options.size + this.#options.overflow;
  }

  #noneFree(cause: Error): StoreUnavailableError {
    const waited = `none of its ${this.#most} connections was free within ${this.#options.timeoutMs / 1000} s`;
    const message = `cannot use PostgreSQL at ${this.address}: ${waited} (TASKFLEET_POOL_TIMEOUT)`;
    return new StoreUnavailableError(message, { cause });
  }

  /** A connection to the server that can be written to, where the URL names several: the first that is one. */
  async #connect(): Promise<PoolClient> {
    const hosts = eachHost(this.#url());
    const [only = "", ...others] = hosts;
    if (others.length === 0) return this.#connectTo(only);
    let failure: unknown;
    for (let tries = 0; tries < hosts.length; tries += 1) {
      const host = this.#host % hosts.length;
      try {
        return await this.#connectTo(hosts[host] ?? "", true);
      } catch (error) {
        if (!(translate(error, this.address) instanceof StoreUnavailableError)) throw error;
        failure = error;
        // Others may have gone on to the next host meanwhile.
        if (this.#host % hosts.length === host) this.#host += 1;
      }
    }
    throw failure;
  }

  /** A connection that answers: those that died while idle are dropped, one after the other. */
  async #connectTo(url: string, writable = false): Promise<PoolClient> {
    const most = this.#most;
    // The pool makes connections by its options as they are then.
    this.#pool.options.connectionString = forDriver(url);
    for (let tries = 0; ; tries += 1) {
      const client = await this.#pool.connect().catch((error: Error) => {
        throw error.message === NONE_FREE ? this.#noneFree(error) : error;
      });
      const since = this.#idleSince.get(client);
      if (since === undefined && writable) await demandPrimary(client);
      const fresh = since === undefined || this.#now() - since < FRESH_MS;
      if (!this.#options.prePing || fresh) return client;
      try {
        await client.query(Object.assign({ text: "SELECT 1" }, { query_timeout: PING_MS }));
        return client;
      } catch (error) {
        client.release(true);
        if (tries >= most) throw error;
      }
    }
  }
}

/** @throws Error as a server says it that refuses to write, and gives the connection back. */
async function demandPrimary(client: PoolClient): Promise<void> {
  try {
    const { rows } = await client.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
    if (rows[0]?.standby !== true) return;
  } catch (error) {
    client.release(true);
    throw error;
  }
  client.release(true);
  throw Object.assign(new Error("it is a standby, and none of the others can be written to"), {
    code: "25006",
  });
}

/** Opens a database for one command, and closes it after `work`. @throws TaskfleetError when the URL is none. */
export async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await Database.open(url, { ...ONE_CONNECTION, name: "taskfleet db" });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

function queriesOf(client: PoolClient): Queries {
  return {
    async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]) {
      const result = await client.query<Row>(text, values === undefined ? undefined : [...values]);
      return result.rows;
    },
  };
}

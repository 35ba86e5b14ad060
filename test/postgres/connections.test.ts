import { deepEqual, equal, rejects } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { databaseLogin } from "../../worker/src/adapters/postgres/connection-string.ts";
import { Database, type PoolOptions } from "../../worker/src/adapters/postgres/database.ts";
import { rows, startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { waitFor } from "../support/wait.ts";

const POOL: PoolOptions = {
  ...{ size: 1, overflow: 0, timeoutMs: 30_000, recycleMs: 1_800_000, prePing: true, name: "pool-of-test" },
};
const PID = "SELECT pg_backend_pid() AS pid";

describe("the pool of connections", function () {
  this.timeout(60_000);
  let server: TestPostgres;
  let url: string;
  const open: Database[] = [];
  before(async () => {
    server = await startPostgres();
    url = await server.database();
  });
  after(() => server.stop());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((database) => database.close()));
  });

  async function pool(options: Partial<PoolOptions> = {}): Promise<Database> {
    const database = await Database.open(url, { ...POOL, ...options });
    open.push(database);
    return database;
  }

  const pidOf = async (database: Database) => Number((await database.query(PID))[0]?.pid);
  const connections = async () =>
    (await rows(url, `SELECT pid FROM pg_stat_activity WHERE application_name = '${POOL.name}'`)).length;

  /** Ends the server's side of a connection before this process can hear of it. */
  function endNow(pid: number): void {
    const { user, password } = databaseLogin(url);
    const statement = `SELECT pg_terminate_backend(${pid}, 5000)`;
    execFileSync("psql", ["-h", "127.0.0.1", "-U", user, "-d", "postgres", "-c", statement], {
      env: { ...process.env, PGPASSWORD: password, PGPORT: String(server.port) },
      stdio: "ignore",
    });
  }

  /** Holds connections until it is told to let go. */
  function hold(database: Database) {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { held: database.transaction(() => promise), let: resolve };
  }

  it("has 10 connections and 20 more, and says how long a query waited for one of them", async () => {
    const sizes = { size: SETTINGS.poolSize.default, overflow: SETTINGS.poolOverflow.default };
    deepEqual(sizes, { size: 10, overflow: 20 });
    // A connection has this long to be made, too: a busy machine makes 30 at once slowly.
    const database = await pool({ ...sizes, timeoutMs: 5_000 });
    const holds = Array.from({ length: 30 }, () => hold(database));
    await waitFor("30 connections", async () => (await connections()) === 30);
    await rejects(database.query("SELECT 1"), {
      name: "StoreUnavailableError",
      message:
        `cannot use PostgreSQL at ${database.address}: none of its 30 connections was free within 5 s ` +
        "(TASKFLEET_POOL_TIMEOUT)",
    });
    equal(await connections(), 30);
    for (const one of holds) one.let();
    await Promise.all(holds.map(({ held }) => held));
    deepEqual(await database.query("SELECT 1 AS one"), [{ one: 1 }]);
  });

  it("tries a connection that was idle, so that a server that ended it meanwhile is not noticed", async () => {
    let now = 0;
    const database = await pool({ now: () => now });
    const first = await pidOf(database);
    now += 1_000;
    endNow(first);
    const second = await pidOf(database);
    equal(second === first, false);
  });

  it("does not without the trial", async () => {
    const database = await pool({ prePing: false });
    endNow(await pidOf(database));
    await rejects(pidOf(database), { name: "StoreUnavailableError" });
  });

  it("is whole again after the server was started anew between two queries", async () => {
    let now = 0;
    const database = await pool({ size: 3, now: () => now });
    const holds = Array.from({ length: 3 }, () => hold(database));
    await waitFor("3 connections", async () => (await connections()) === 3);
    for (const one of holds) one.let();
    await Promise.all(holds.map(({ held }) => held));
    await server.crash();
    await server.start();
    now += 1_000;
    const answers = await Promise.all([1, 2, 3, 4].map((n) => database.query(`SELECT ${n} AS n`)));
    deepEqual(answers.flat(), [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
  });

  it("replaces a connection that is old", async () => {
    const database = await pool({ recycleMs: 50 });
    const first = await pidOf(database);
    await waitFor("another connection", async () => (await pidOf(database)) !== first);
  });

  it("keeps one that breaks within a transaction from ending the process", async () => {
    const database = await pool();
    const broken = database.transaction(async (queries) => {
      const [found] = await queries.query<{ pid: number }>(PID);
      endNow(found?.pid ?? 0);
      // Nothing is asked when the server says that it ends.
      await waitFor("the end", async () => (await connections()) === 0);
      await queries.query("SELECT 1");
    });
    await rejects(broken, { name: "StoreUnavailableError" });
    deepEqual(await database.query("SELECT 1 AS one"), [{ one: 1 }]);
  });
});

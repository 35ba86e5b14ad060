import assert from "node:assert/strict";
import {
  databaseAddress,
  eachHost,
  forPrograms,
  inDatabase,
} from "../../worker/src/adapters/postgres/connection-string.ts";
import { Database, ONE_CONNECTION } from "../../worker/src/adapters/postgres/database.ts";
import { withLongConnection } from "../../worker/src/adapters/postgres/long-connection.ts";
import { migrate } from "../../worker/src/adapters/postgres/migrate.ts";
import { StoreUnavailableError } from "../../worker/src/ports/activity-store.ts";
import { cli, jsonLines } from "../cli/support.ts";
import { onServer, rows, startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { openQueue, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { type ProcessFleet, startFleet } from "./support/fleet.ts";

describe("database URLs of several hosts", () => {
  it("are taken apart", () => {
    const url = "postgresql://u:p%40@h1,h2:5433/db?target_session_attrs=read-write&sslmode=require";
    assert.deepEqual(eachHost(url), [
      "postgresql://u:p%40@h1/db?sslmode=require",
      "postgresql://u:p%40@h2:5433/db?sslmode=require",
    ]);
    assert.deepEqual(eachHost("postgresql://h/db"), ["postgresql://h/db"]);
    assert.equal(databaseAddress(url), "h1:5432,h2:5433/db");
    assert.equal(
      inDatabase(url, "o/ther"),
      "postgresql://u:p%40@h1,h2:5433/o%2Fther?target_session_attrs=read-write&sslmode=require",
    );
    assert.equal(forPrograms(url), url.replace(":p%40", ""));
    // Programs of PostgreSQL would take any of several servers.
    assert.equal(
      forPrograms("postgresql://u:p@h1,h2/db"),
      "postgresql://u@h1,h2/db?target_session_attrs=read-write",
    );
    assert.equal(
      forPrograms("postgresql://u:p@h1,h2/db?sslmode=require"),
      "postgresql://u@h1,h2/db?sslmode=require&target_session_attrs=read-write",
    );
    assert.equal(forPrograms("postgresql://u:p@h1/db"), "postgresql://u@h1/db");
    for (const wrong of ["postgresql://h1,/db", "postgresql://h1,h2:x/db", "mysql://h1,h2/db"])
      assert.throws(() => databaseAddress(wrong), /^TaskfleetError: DATABASE_URL: not a PostgreSQL address/);
    assert.throws(
      () => eachHost("postgresql://h1,h2/db?target_session_attrs=standby"),
      /^TaskfleetError: DATABASE_URL: target_session_attrs is another than read-write or primary/,
    );
  });
});

describe("a standby of the record's database", function () {
  this.timeout(120_000);
  let primary: TestPostgres;
  let standby: TestPostgres;
  let redis: TestRedis;
  let queue: TestQueue;
  let url: string;
  let fleet: ProcessFleet;

  before(async () => {
    [primary, redis] = await Promise.all([startPostgres(), startRedis()]);
    queue = openQueue(redis, "peagen.tasks");
    const own = await primary.database();
    const name = new URL(own).pathname.slice(1);
    standby = await startPostgres({ standbyOf: primary });
    // The standby first: it is passed over while it is one.
    url = own
      .replace(`127.0.0.1:${primary.port}`, `127.0.0.1:${standby.port},127.0.0.1:${primary.port}`)
      .concat("?target_session_attrs=read-write");
    assert.equal(databaseAddress(url), `127.0.0.1:${standby.port},127.0.0.1:${primary.port}/${name}`);
    const database = await Database.open(url, { ...ONE_CONNECTION, name: "test" });
    await migrate(database, "");
    await database.close();
    fleet = await startFleet({ REDIS_URL: redis.url, DATABASE_URL: url });
    await waitFor(
      "the record to be on",
      async () => (await redis.client.hexists(queue.keys.record, "bytes")) === 1,
    );
  });
  after(async () => {
    await fleet.stop();
    queue.close();
    await Promise.all([primary.stop(), standby.stop(), redis.stop()]);
  });

  const recorded = async (server: TestPostgres): Promise<readonly string[]> => {
    const found = await rows(
      server.adminUrl(new URL(eachHost(url)[0] ?? "").pathname.slice(1)),
      "SELECT id FROM runs WHERE status = 'success' ORDER BY id",
    );
    return found.map(({ id }) => String(id));
  };
  const push = async (ids: readonly string[]) => {
    await queue.producer.enqueue(ids.map((id) => ({ id, kind: "sleep", payload: { ms: 1, steps: 1 } })));
  };

  it("takes over by promotion, and the record goes on with nothing missing", async () => {
    const first = ["a-1", "a-2", "a-3"];
    await push(first);
    await waitFor("the standby to have the record", async () => (await recorded(standby)).length === 3);
    await primary.kill();
    const second = ["b-1", "b-2"];
    await push(second);
    await queue.results.wait(second);
    const lost = await Database.open(url, { ...ONE_CONNECTION, timeoutMs: 2_000, name: "test" });
    await assert.rejects(lost.query("SELECT 1"), StoreUnavailableError);
    await lost.close();

    await onServer(standby.adminUrl(), (client) => client.query("SELECT pg_promote()"));
    await waitFor("the record to catch up", async () => (await recorded(standby)).length === 5);
    assert.deepEqual(await recorded(standby), [...first, ...second]);
    assert.equal(
      await withLongConnection(url, async (queries) => (await queries.query("SELECT 1")).length),
      1,
    );
    const listed = await cli(["runs", "list", "--json"], { env: { ...fleet.env, DATABASE_URL: url } });
    assert.equal(listed.code, 0, listed.err);
    assert.equal(jsonLines(listed.out).length, 5);
    assert.deepEqual(fleet.ended(), []);
  });
});

import { deepEqual, equal } from "node:assert/strict";
import { Database } from "../../worker/src/adapters/postgres/database.ts";
import { migrate, migrationState } from "../../worker/src/adapters/postgres/migrate.ts";
import { PostgresStore } from "../../worker/src/adapters/postgres/store.ts";
import { runOf } from "../record/support.ts";
import { pgBouncerProgram, startPgBouncer, type TestPgBouncer } from "../support/pgbouncer.ts";
import { rows, startPostgres, type TestPostgres } from "../support/postgres-server.ts";

const SERVERS = 2;
const POOL = {
  ...{ size: 10, overflow: 20, timeoutMs: 30_000, recycleMs: 1_800_000, prePing: true },
  name: "behind-pgbouncer",
};

describe("PgBouncer in transaction mode before the record", function () {
  this.timeout(60_000);
  let server: TestPostgres | undefined;
  let bouncer: TestPgBouncer | undefined;
  before(async function () {
    const program = pgBouncerProgram();
    // Debian's package pgbouncer has it.
    if (program === undefined) return this.skip();
    server = await startPostgres();
    bouncer = await startPgBouncer(program, await server.database(), SERVERS);
  });
  after(async () => {
    await bouncer?.stop();
    await server?.stop();
  });

  it("serves migrations, writers and readers, more of them than it has connections", async () => {
    const url = bouncer?.url ?? "";
    const database = await Database.open(url, POOL);
    equal((await migrate(database, "")).length > 0, true);
    deepEqual((await migrationState(database, "")).missing, []);
    await database.close();
    const store = await PostgresStore.open({ url, prefix: "", pool: POOL });
    const ids = Array.from({ length: 40 }, (_, i) => `run-${i}`);
    const line = {
      at: 60_000,
      status: "queued",
      attempt: null,
      worker_id: null,
      message: null,
      progress: null,
    } as const;
    await Promise.all(
      ids.map((id) =>
        store.write("q", {
          ids: [id],
          change: () => ({ runs: [runOf("q", id)], lines: [{ ...line, id }] }),
        }),
      ),
    );
    const found = await Promise.all(ids.map((id) => store.run("q", id)));
    deepEqual(
      found.map((run) => [run?.id, run?.log.length]),
      ids.map((id) => [id, 1]),
    );
    const batch = (from: string | null, to: string) => ({
      ids: [],
      change: () => ({ runs: [], lines: [] }),
      position: { from, to },
    });
    deepEqual(
      await Promise.all([store.write("p", batch(null, "1-0")), store.write("p", batch(null, "1-0"))]).then(
        (done) => done.sort(),
      ),
      ["moved", "written"],
    );
    equal((await store.counts("q")).queued, 40);
    await store.close();
    const servers = await rows(
      url,
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename IS NOT NULL AND backend_type = 'client backend'",
    );
    equal(Number(servers[0]?.n) <= SERVERS, true);
  });
});

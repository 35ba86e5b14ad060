import { deepEqual, equal, match } from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { databaseLogin } from "../../worker/src/adapters/postgres/connection-string.ts";
import { migrate, migrationState } from "../../worker/src/adapters/postgres/migrate.ts";
import { openDatabase, rows, startPostgres, type TestPostgres } from "../support/postgres-server.ts";

const ALL = ["0001-activity", "0002-archive", "0003-refusal-hint"];

/** The source's runbook, word for word. */
const RUNBOOK = {
  counts: "SELECT status, COUNT(*) FROM runs GROUP BY status;",
  queued: "SELECT COUNT(*) as queued FROM runs WHERE status = 'queued';",
  oldest:
    "SELECT id, created_at, agent_id FROM runs WHERE status = 'queued' ORDER BY created_at ASC LIMIT 5;",
  some: "SELECT * FROM runs WHERE status = 'queued' LIMIT 5;",
  stuck:
    "SELECT id, started_at, agent_id FROM runs WHERE status = 'running' AND started_at < now() - interval '30 minutes';",
  reset:
    "UPDATE runs SET status = 'queued', started_at = NULL WHERE status = 'running' AND started_at < now() - interval '60 minutes' RETURNING id;",
};

describe("tables of the record", function () {
  this.timeout(60_000);
  let server: TestPostgres;
  let url: string;

  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  beforeEach(async () => {
    url = await server.database();
  });

  async function migrated(prefix = ""): Promise<readonly string[]> {
    const database = await openDatabase(url);
    try {
      return await migrate(database, prefix);
    } finally {
      await database.close();
    }
  }

  /** As the runbook is used: `psql -c`, with everything else in the environment. */
  function psql(statement: string) {
    const { user, password, database } = databaseLogin(url);
    const env = { ...process.env, PGPASSWORD: password, PGPORT: String(server.port) };
    const words = ["-h", "127.0.0.1", "-U", user, "-d", database, "-At", "-c", statement];
    return promisify(execFile)("psql", words, { env });
  }

  it("are made once", async () => {
    const database = await openDatabase(url);
    deepEqual(await migrationState(database, ""), { done: [], missing: ALL, unknown: [] });
    deepEqual(await migrated(), ALL);
    deepEqual(await migrated(), []);
    deepEqual(await migrationState(database, ""), { done: ALL, missing: [], unknown: [] });
    await database.close();
  });

  it("are made once by two that start together", async () => {
    deepEqual((await Promise.all([migrated(), migrated()])).flat(), ALL);
  });

  it("have the indexes that lists and counts need", async () => {
    await migrated("t1_");
    const found = await rows(
      url,
      "SELECT indexname FROM pg_indexes WHERE tablename LIKE 't1%activity%' AND indexname LIKE 'ix%' ORDER BY 1",
    );
    deepEqual(
      found.map(({ indexname }) => indexname),
      [
        "ix_t1_taskfleet_activity_agent_id",
        "ix_t1_taskfleet_activity_archive_id",
        "ix_t1_taskfleet_activity_log_activity_id",
        "ix_t1_taskfleet_activity_log_status",
        "ix_t1_taskfleet_activity_open",
        "ix_t1_taskfleet_activity_updated_at",
      ],
    );
  });

  it("answer the runbook's statements as they are written there", async () => {
    await migrated();
    const run = (id: string, status: string, minutes: number) =>
      `('q', '${id}', 'k', '${status}', 'agent-${id}', now() - interval '${minutes} minutes',
        ${status === "running" ? `now() - interval '${minutes} minutes'` : "NULL"}, now())`;
    await rows(
      url,
      `INSERT INTO taskfleet_activity (queue, id, kind, status, agent_id, created_at, started_at, updated_at)
       VALUES ${run("a", "queued", 1)}, ${run("b", "queued", 2)}, ${run("c", "running", 45)}, ${run("d", "running", 90)}`,
    );
    const answer = async (statement: string) => (await psql(statement)).stdout.trim().split("\n").sort();
    deepEqual(await answer(RUNBOOK.counts), ["queued|2", "running|2"]);
    deepEqual(await answer(RUNBOOK.queued), ["2"]);
    const oldest = (await psql(RUNBOOK.oldest)).stdout.trim().split("\n");
    deepEqual(
      oldest.map((line) => line.replace(/\|.*\|/, " ")),
      ["b agent-b", "a agent-a"],
    );
    equal((await answer(RUNBOOK.some)).length, 2);
    deepEqual(
      (await answer(RUNBOOK.stuck)).map((line) => line[0]),
      ["c", "d"],
    );
  });

  it("refuse the runbook's UPDATE, with the way out, whether it meets a run or not", async () => {
    await migrated();
    const refusal = async () => {
      const failed = await psql(RUNBOOK.reset).catch((error: { code: number; stderr: string }) => error);
      equal("code" in failed && failed.code, 1);
      return failed.stderr;
    };
    const none = await refusal();
    match(none, /ERROR: {2}runs is a view of the record, which the queue does not read/);
    match(none, /HINT: {2}taskfleet runs reset --older-than 60m puts stuck runs back/);
    await rows(
      url,
      `INSERT INTO taskfleet_activity (queue, id, kind, status, agent_id, created_at, started_at, updated_at)
       VALUES ('q', 'a', 'k', 'running', 'a', now(), now() - interval '2 hours', now())`,
    );
    equal(await refusal(), none);
    deepEqual(await rows(url, "SELECT status FROM runs"), [{ status: "running" }]);
  });
});

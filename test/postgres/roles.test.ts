import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { Database, ONE_CONNECTION } from "../../worker/src/adapters/postgres/database.ts";
import { migrate } from "../../worker/src/adapters/postgres/migrate.ts";
import { type RoleUrls, setUpRoles } from "../../worker/src/adapters/postgres/roles.ts";
import { onServer, rows, startPostgres, type TestPostgres } from "../support/postgres-server.ts";

const ROW =
  "(queue, id, kind, status, agent_id, created_at, updated_at) VALUES ('q', 'a', 'k', 'queued', 'a', now(), now())";

describe("roles of the record's database", function () {
  this.timeout(60_000);
  let server: TestPostgres;
  let one: RoleUrls;
  let two: RoleUrls;

  const urls = (prefix: string): RoleUrls => {
    const url = (role: string) =>
      `postgresql://${prefix}taskfleet_${role}:pass-of-${role}@127.0.0.1:${server.port}/fleets`;
    return { app: url("app"), migrate: url("migrate"), backup: url("backup") };
  };

  async function setUp(prefix: string): Promise<RoleUrls> {
    const made = urls(prefix);
    await setUpRoles(server.adminUrl(), made, prefix);
    const database = await Database.open(made.migrate, { ...ONE_CONNECTION, name: "test" });
    await migrate(database, prefix);
    await database.close();
    return made;
  }

  const refused = (url: string, statement: string, reason: RegExp) =>
    rejects(rows(url, statement), reason, statement);

  before(async () => {
    server = await startPostgres();
    one = await setUp("");
    two = await setUp("b_");
  });
  after(() => server.stop());

  it("lets the application read, add, change and take away rows", async () => {
    await rows(one.app, `INSERT INTO taskfleet_activity ${ROW}`);
    await rows(one.app, "UPDATE taskfleet_activity SET status = 'running'");
    deepEqual(await rows(one.app, "SELECT id, status FROM runs"), [{ id: "a", status: "running" }]);
    deepEqual(await rows(one.app, "DELETE FROM taskfleet_activity RETURNING id"), [{ id: "a" }]);
    await rows(
      one.app,
      "INSERT INTO taskfleet_activity_log (queue, activity_id, at, status) VALUES ('q', 'a', now(), 'queued')",
    );
    deepEqual(await rows(one.app, "DELETE FROM taskfleet_activity_log RETURNING activity_id"), [
      { activity_id: "a" },
    ]);
  });

  it("lets the application do nothing else", async () => {
    const denied = /permission denied/;
    await refused(one.app, "CREATE TABLE mine (n int)", denied);
    await refused(one.app, "CREATE TEMPORARY TABLE mine (n int)", denied);
    await refused(one.app, "CREATE SCHEMA mine", denied);
    await refused(one.app, "CREATE ROLE mine", denied);
    await refused(one.app, "DROP TABLE taskfleet_activity", /must be owner/);
    await refused(one.app, "ALTER TABLE taskfleet_activity ADD COLUMN n int", /must be owner/);
    await refused(one.app, "TRUNCATE taskfleet_activity", denied);
    await refused(one.app, "SELECT * FROM pg_authid", denied);
    await refused(one.app, "COPY taskfleet_activity TO PROGRAM 'cat'", /pg_execute_server_program|superuser/);
    await refused(one.app, "DELETE FROM taskfleet_migrations", denied);
    await refused(one.app, "SET ROLE taskfleet_migrate", denied);
  });

  it("lets the backup role read everything of the record and change nothing", async () => {
    const tables = ["activity", "activity_log", "activity_archive", "recorder", "migrations"];
    for (const table of tables) await rows(one.backup, `SELECT * FROM taskfleet_${table}`);
    await rows(one.backup, "SELECT last_value FROM taskfleet_activity_log_seq_seq");
    await refused(one.backup, `INSERT INTO taskfleet_activity ${ROW}`, /permission denied/);
    await refused(one.backup, "UPDATE taskfleet_activity SET kind = 'x'", /permission denied/);
    await refused(one.backup, "DELETE FROM taskfleet_activity", /permission denied/);
    await refused(one.backup, "CREATE TABLE mine (n int)", /permission denied/);
  });

  it("keeps two prefixes of one database apart", async () => {
    await rows(two.app, `INSERT INTO b_taskfleet_activity ${ROW}`);
    deepEqual(await rows(two.app, "SELECT id FROM b_runs"), [{ id: "a" }]);
    for (const role of [one.app, one.backup, one.migrate]) {
      await refused(role, "SELECT * FROM b_taskfleet_activity", /permission denied/);
      await refused(role, "SELECT * FROM b_runs", /permission denied/);
    }
    await refused(two.app, "DELETE FROM taskfleet_activity", /permission denied/);
    deepEqual(await rows(one.app, "SELECT id FROM runs"), []);
  });

  it("is done twice without a change, and takes a new password", async () => {
    const again = { ...one, app: one.app.replace("pass-of-app", "p%40ss%20%2Fnew") };
    await setUpRoles(server.adminUrl(), again, "");
    equal((await rows(again.app, "SELECT current_user::text AS name"))[0]?.name, "taskfleet_app");
    await rejects(rows(one.app, "SELECT 1"), /password authentication failed/);
    await setUpRoles(server.adminUrl(), one, "");
    deepEqual(await rows(one.app, "SELECT 1 AS one"), [{ one: 1 }]);
  });

  it("stores passwords as SCRAM verifiers", async () => {
    const stored = await onServer(server.adminUrl(), (client) =>
      client.query("SELECT rolpassword FROM pg_authid WHERE rolname LIKE '%taskfleet\\_app'"),
    );
    equal(stored.rows.length, 2);
    for (const { rolpassword } of stored.rows) match(rolpassword, /^SCRAM-SHA-256\$4096:/);
  });

  it("says which URL has the wrong user or database", async () => {
    await rejects(setUpRoles(server.adminUrl(), { ...one, backup: one.app }, ""), {
      message: "the URL of the role backup has user taskfleet_app, not taskfleet_backup",
    });
    await rejects(
      setUpRoles(server.adminUrl(), { ...one, migrate: one.migrate.replace("fleets", "other") }, ""),
      {
        message: "the URL of the role migrate names other, not fleets",
      },
    );
  });
});

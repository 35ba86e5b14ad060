import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestFleet } from "../support/fleet.ts";
import { rows, startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { waitFor } from "../support/wait.ts";
import { migratedDatabase } from "./support.ts";

const ROLE = "keeper";

describe("the password of the record's database", function () {
  this.timeout(60_000);
  let postgres: TestPostgres;
  let fleet: TestFleet;
  let folder: string;
  let admin: string;
  before(async () => {
    postgres = await startPostgres();
    admin = await migratedDatabase(postgres);
    await rows(admin, `CREATE ROLE ${ROLE} SUPERUSER LOGIN PASSWORD 'first-pass'`);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-rotation-"));
  });
  afterEach(() => fleet.close());
  after(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true });
  });

  function secretFile(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(`${path}.next`, text, { mode: 0o600 });
    renameSync(`${path}.next`, path);
    return path;
  }

  /** A new password on the server alone: what was connected is not any more. */
  async function changeOnServer(password: string): Promise<void> {
    await rows(admin, `ALTER ROLE ${ROLE} PASSWORD '${password}'`);
    await rows(admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${ROLE}'`);
  }

  /** Each push is recorded, before, while and after the password changes. */
  async function rotates(variables: Record<string, string>, from: string, to: string, change: () => void) {
    const quick = { TASKFLEET_ACTUATOR: "none", TASKFLEET_RECORD_INTERVAL: "0.01" };
    fleet = await TestFleet.open({ ...quick, ...variables });
    await changeOnServer(from);
    const { queue } = fleet;
    const spawner = await fleet.spawner();
    await spawner.leads();
    await waitFor("the record", async () => (await queue.redis.exists(queue.keys.record)) === 1);
    const statusOf = async (id: string) =>
      (await rows(admin, `SELECT status FROM runs WHERE id = '${id}'`))[0]?.status;
    const recorded = (id: string) =>
      waitFor(`${id} in the record`, async () => (await statusOf(id)) === "queued");
    await recorded(await queue.push());
    await changeOnServer(to);
    const between = await queue.push();
    await waitFor("the refusal to be told", () =>
      spawner.records.some(({ message }) => message === "record_login_refused"),
    );
    equal(await statusOf(between), undefined);
    change();
    await recorded(between);
    await recorded(await queue.push());
    deepEqual(spawner.records.filter(({ message }) => message === "secret_rotated").length, 1);
  }

  it("changes with the file of the URL in a running spawner", async () => {
    const url = (password: string) => admin.replace(/\/\/[^@]+@/, `//${ROLE}:${password}@`);
    const DATABASE_URL_FILE = secretFile("url", url("first-pass"));
    await rotates({ DATABASE_URL_FILE }, "first-pass", "second-pass", () =>
      secretFile("url", url("second-pass")),
    );
  });

  it("changes with the file of the password alone", async () => {
    const { port, pathname } = new URL(admin);
    const parts = { PGHOST: "127.0.0.1", PGPORT: port, PGUSER: ROLE, PGDATABASE: pathname.slice(1) };
    const PGPASSWORD_FILE = secretFile("password", "third-pass");
    await rotates({ ...parts, PGPASSWORD_FILE }, "third-pass", "fourth-pass", () =>
      secretFile("password", "fourth-pass"),
    );
  });
});

import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { migrate } from "../../worker/src/adapters/postgres/migrate.ts";
import { setUpRoles } from "../../worker/src/adapters/postgres/roles.ts";
import { pruneBackups } from "../../worker/src/backup/catalog.ts";
import type { DrillReport } from "../../worker/src/backup/drill.ts";
import type { Manifest } from "../../worker/src/backup/manifest.ts";
import { cli, jsonLine, jsonLines, startCli } from "../cli/support.ts";
import { openDatabase, rows } from "../support/postgres-server.ts";
import { waitFor } from "../support/wait.ts";
import { type BackedUp, fill, withServers } from "./support.ts";

describe("backup", function () {
  this.timeout(180_000);
  let fleet: BackedUp;
  withServers((made) => {
    fleet = made;
  });

  async function create(): Promise<Manifest> {
    const made = await fleet.backup("create", "--json");
    equal(made.code, 0, made.err);
    return jsonLine(made.out) as unknown as Manifest;
  }
  const pathOf = (manifest: Manifest, file: string) => join(fleet.directory, manifest.name, file);
  async function drill(): Promise<{ code: number | null; report: DrillReport }> {
    const { code, out, err } = await fleet.backup("drill", "--json");
    equal(err, "");
    return { code, report: jsonLine(out) as unknown as DrillReport };
  }
  /** Has the manifest fit a file that was exchanged, as somebody who hides a change would. */
  function forge(manifest: Manifest, part: "queue" | "record"): void {
    const path = pathOf(manifest, "manifest.json");
    const copy = JSON.parse(readFileSync(path, "utf8"));
    Object.assign(copy[part].dump, factsOf(pathOf(manifest, copy[part].dump.file)));
    writeFileSync(path, JSON.stringify(copy));
  }
  function factsOf(path: string) {
    const bytes = readFileSync(path);
    return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  }

  it("holds queue and record for this user alone, and a drill finds both as they were", async () => {
    const tasks = await fill(fleet);
    const manifest = await create();
    deepEqual(
      manifest.record?.tables.map(({ table, rows }) => [table, rows]),
      [
        ["taskfleet_activity", 7],
        ["taskfleet_activity_log", 9],
        ["taskfleet_activity_archive", 0],
        ["taskfleet_recorder", 1],
      ],
    );
    deepEqual(manifest.record?.positions, {
      [fleet.queue.stream]: await fleet.store.position(fleet.queue.stream),
    });
    deepEqual(manifest.queue.keyspace.types, { hash: 5, stream: 4, zset: 2 });
    deepEqual(
      manifest.queue.keyspace.expiring.map(({ keys }) => keys),
      [1],
      "the result",
    );
    const folder = join(fleet.directory, manifest.name);
    deepEqual(
      readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]),
      [
        ["manifest.json", 0o600],
        ["postgres.dump", 0o600],
        ["redis.rdb", 0o600],
      ],
    );
    equal(statSync(folder).mode & 0o777, 0o700);
    deepEqual(readdirSync(fleet.directory), [manifest.name]);
    // What happens after it is none of its business.
    await fleet.queue.push();
    await fleet.store.expire({ before: Date.now() + 1_000, mode: "delete", limit: 100 });
    const { code, report } = await drill();
    deepEqual([code, report.passed, report.faults], [0, true, []]);
    deepEqual(report.servers, { postgres: "own", redis: "own" });
    equal(report.comparisons.length, 7);
    const [file] = readdirSync(join(fleet.folder, ".var/reports"));
    match(file ?? "", /^restore-drill-\d{8}T\d{6}Z\.json$/);
    match((await fleet.backup("list")).out, new RegExp(`^name .*\n${manifest.name} `));
    equal(tasks.waiting.length, 3);
  });

  it("finds a changed byte, a truncated dump and a missing file", async () => {
    await fill(fleet);
    const manifest = await create();
    const dump = pathOf(manifest, "postgres.dump");
    const bytes = readFileSync(dump);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    writeFileSync(dump, bytes);
    const rdb = pathOf(manifest, "redis.rdb");
    truncateSync(rdb, manifest.queue.dump.bytes - 10);
    const faults = [
      `redis.rdb has ${manifest.queue.dump.bytes - 10} bytes; the manifest says ${manifest.queue.dump.bytes}`,
      "postgres.dump has another SHA-256 than the manifest says",
    ];
    const verified = await fleet.backup("verify", "--json");
    deepEqual([verified.code, jsonLine(verified.out)], [1, { name: manifest.name, faults }]);
    const drilled = await drill();
    deepEqual([drilled.code, drilled.report.passed, drilled.report.faults], [1, false, faults]);
    renameSync(dump, `${dump}.away`);
    deepEqual(jsonLine((await fleet.backup("verify", "--json")).out).faults, [
      faults[0],
      "postgres.dump is missing",
    ]);
  });

  it("finds by a drill what a manifest with the right sums hides", async () => {
    await fill(fleet);
    const manifest = await create();
    // A row that was changed before the dump was taken again.
    await rows(
      fleet.postgres.adminUrl(new URL(fleet.urls.app).pathname.slice(1)),
      "UPDATE taskfleet_activity SET agent_id = 'x' WHERE status = 'dead'",
    );
    const other = await create();
    renameSync(pathOf(other, "postgres.dump"), pathOf(manifest, "postgres.dump"));
    forge(manifest, "record");
    const changed = await fleet.backup("drill", manifest.name, "--json");
    const [fault, ...more] = (jsonLine(changed.out) as unknown as DrillReport).faults;
    match(fault ?? "", /^taskfleet_activity: 7 rows, [0-9a-f]{12}; the manifest says 7 rows, [0-9a-f]{12}$/);
    deepEqual([changed.code, more], [1, []]);
    // A dump that its server cannot load, whatever its sums say.
    truncateSync(pathOf(manifest, "redis.rdb"), manifest.queue.dump.bytes - 10);
    forge(manifest, "queue");
    const broken = await fleet.backup("drill", manifest.name, "--json");
    equal(broken.code, 1);
    const [unloadable] = (jsonLine(broken.out) as unknown as DrillReport).faults;
    match(unloadable ?? "", /^redis\.rdb: redis-server cannot load it: /);
  });

  it("keeps the newest, and never removes the last good one", async () => {
    await fill(fleet);
    const manifest = await create();
    const folder = join(fleet.directory, manifest.name);
    const text = readFileSync(join(folder, "manifest.json"), "utf8");
    for (const name of ["20200101T000000Z", "20210101T000000Z", "20300101T000000Z"]) {
      mkdirSync(join(fleet.directory, name));
      if (name !== "20300101T000000Z") writeFileSync(join(fleet.directory, name, "manifest.json"), text);
    }
    // The one of the future is broken: it counts for nothing.
    deepEqual(await pruneBackups(fleet.directory, 3), []);
    deepEqual(await pruneBackups(fleet.directory, 1), ["20210101T000000Z", "20200101T000000Z"]);
    deepEqual(await pruneBackups(fleet.directory, 1), []);
    deepEqual(readdirSync(fleet.directory), [manifest.name, "20300101T000000Z"]);
    const listed = jsonLines((await fleet.backup("list", "--json")).out);
    match(String(listed[0]?.fault), /^manifest.json: ENOENT/);
    equal(listed[1]?.fault, null);
  });

  it("leaves no listed backup behind when it is killed or interrupted, and clears up after the killed one", async () => {
    await fill(fleet);
    const programs = join(fleet.folder, "programs");
    mkdirSync(programs);
    writeFileSync(join(programs, "pg_dump"), "#!/bin/sh\ntouch begun\nexec sleep 600\n");
    chmodSync(join(programs, "pg_dump"), 0o700);
    const begun = join(fleet.folder, "begun");
    const env = { ...fleet.env, TASKFLEET_BACKUP_PROGRAMS: programs };
    const start = async () => {
      const child = startCli(["backup", "create"], { env, cwd: fleet.folder });
      await waitFor("pg_dump", () => existsSync(begun));
      renameSync(begun, `${begun}.seen`);
      return child;
    };
    const interrupted = await start();
    interrupted.kill("SIGINT");
    deepEqual(await once(interrupted, "exit"), [130, null]);
    deepEqual(readdirSync(fleet.directory), []);
    const killed = await start();
    killed.kill("SIGKILL");
    await once(killed, "exit");
    const [partial, ...more] = readdirSync(fleet.directory);
    match(partial ?? "", /^\.\d{8}T\d{6}Z\..+\.\d+\.partial$/);
    deepEqual(more, []);
    equal((await fleet.backup("list")).out, "no backups\n");
    const none = await fleet.backup("drill");
    deepEqual(
      [none.code, none.err.split(":").slice(0, 2)],
      [1, ["taskfleet", ` there is no backup in ${fleet.directory}`]],
    );
    const manifest = await create();
    deepEqual(readdirSync(fleet.directory), [manifest.name]);
  });

  it("takes its servers away when a drill is interrupted, and writes no report", async () => {
    await fill(fleet);
    await create();
    const programs = join(fleet.folder, "programs");
    const temporary = join(fleet.folder, "tmp");
    for (const folder of [programs, temporary]) mkdirSync(folder);
    // The server's own account has to pass.
    for (const folder of [fleet.folder, temporary]) chmodSync(folder, 0o711);
    writeFileSync(join(programs, "pg_restore"), "#!/bin/sh\ntouch begun\nexec sleep 600\n");
    chmodSync(join(programs, "pg_restore"), 0o700);
    const env = { ...fleet.env, TMPDIR: temporary, TASKFLEET_BACKUP_PROGRAMS: programs };
    const child = startCli(["backup", "drill"], { env, cwd: fleet.folder });
    await waitFor("pg_restore", () => existsSync(join(fleet.folder, "begun")));
    const [server = ""] = readdirSync(temporary);
    const [pid] = readFileSync(join(temporary, server, "data", "postmaster.pid"), "utf8").split("\n");
    equal(existsSync(`/proc/${pid}`), true);
    child.kill("SIGINT");
    deepEqual(await once(child, "exit"), [130, null]);
    await waitFor("the server's end", () => !existsSync(`/proc/${pid}`));
    deepEqual(readdirSync(temporary), []);
    equal(existsSync(join(fleet.folder, ".var")), false);
  });

  it("holds the tables of its own prefix alone, where tenants share a database", async () => {
    const { port } = fleet.postgres;
    const { pathname } = new URL(fleet.urls.app);
    const url = (role: string) =>
      `postgresql://t2_taskfleet_${role}:pass-of-${role}@127.0.0.1:${port}${pathname}`;
    await setUpRoles(
      fleet.postgres.adminUrl(),
      { app: url("app"), migrate: url("migrate"), backup: url("backup") },
      "t2_",
    );
    const owner = await openDatabase(url("migrate"));
    await migrate(owner, "t2_");
    await owner.close();
    await rows(
      url("app"),
      "INSERT INTO t2_taskfleet_activity (queue, id, kind, status, agent_id, created_at, updated_at) VALUES ('q', 'a', 'k', 'queued', 'ä''\"x', now(), now())",
    );
    await fill(fleet);
    const env = { ...fleet.env, TASKFLEET_DATABASE_BACKUP_URL: url("backup"), TASKFLEET_TABLE_PREFIX: "t2_" };
    const made = await cli(["backup", "create", "--json"], { env, cwd: fleet.folder });
    equal(made.code, 0, made.err);
    const { record } = jsonLine(made.out) as unknown as Manifest;
    deepEqual(
      record?.tables.map(({ table, rows }) => [table, rows]),
      [
        ["t2_taskfleet_activity", 1],
        ["t2_taskfleet_activity_log", 0],
        ["t2_taskfleet_activity_archive", 0],
        ["t2_taskfleet_recorder", 0],
      ],
    );
    const { code, report } = await drill();
    deepEqual([code, report.faults], [0, []]);
    const foreign = await cli(["backup", "create"], {
      env: { ...env, TASKFLEET_TABLE_PREFIX: "" },
      cwd: fleet.folder,
    });
    equal(foreign.code, 3);
    match(
      foreign.err,
      /^taskfleet: PostgreSQL at \S+ refuses to serve: permission denied for table taskfleet_migrations\n/,
    );
  });

  it("says what is wrong with a password, and never the password", async () => {
    const secret = "a-wrong-pass";
    const wrong = fleet.urls.backup.replace("pass-of-backup", secret);
    const postgres = await cli(["backup", "create"], {
      env: { ...fleet.env, TASKFLEET_DATABASE_BACKUP_URL: wrong },
      cwd: fleet.folder,
    });
    equal(postgres.code, 3);
    match(
      postgres.err,
      /PostgreSQL at 127\.0\.0\.1:\d+\/record_\S+ refuses to serve: password authentication failed/,
    );
    await fleet.redis.client.config("SET", "requirepass", "the-right-one");
    const redis = await cli(["backup", "create"], {
      env: { ...fleet.env, REDIS_PASSWORD: secret },
      cwd: fleet.folder,
    });
    equal(redis.code, 3);
    match(redis.err, /cannot reach Redis at \S+: it refuses the password/);
    for (const { out, err } of [postgres, redis]) doesNotMatch(out + err, /a-wrong-pass/);
    deepEqual(readdirSync(fleet.directory), []);
    const right = await cli(["backup", "create"], {
      env: { ...fleet.env, REDIS_PASSWORD: "the-right-one" },
      cwd: fleet.folder,
    });
    equal(right.code, 0, right.err);
  });

  it("backs up a queue without a record, and wants the backup role's URL where there is one", async () => {
    await fill(fleet);
    const { TASKFLEET_DATABASE_BACKUP_URL: _, ...env } = fleet.env;
    const half = await cli(["backup", "create"], {
      env: { ...env, DATABASE_URL: fleet.urls.app },
      cwd: fleet.folder,
    });
    deepEqual(
      [half.code, half.err],
      [
        2,
        "taskfleet: TASKFLEET_DATABASE_BACKUP_URL is not set, and DATABASE_URL is: the backup would lack the record\n" +
          "  Give it the URL of the backup role (docs/record.md says which that is).\n",
      ],
    );
    const made = await cli(["backup", "create", "--json"], { env, cwd: fleet.folder });
    equal(jsonLine(made.out).record, null);
    const { code, report } = await drill();
    deepEqual([code, report.servers.postgres, report.passed], [0, "none", true]);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { localProcess } from "../../../components/hosts/local-process.ts";
import type { ProcessInputs } from "../../../components/hosts/process-inputs.ts";
import { POSTGRES_ADMIN, postgresStartScript } from "../../../components/platform/postgres.ts";
import { findPostgres } from "../../../components/platform/postgres-server.ts";
import { killNow, type Recorded, TestHost } from "../../support/host-process.ts";

const programs = findPostgres(process.env.PATH ?? "");
const isRoot = process.getuid?.() === 0;
const mayMount = spawnSync("unshare", ["--mount", "true"]).status === 0;
const word = (...parts: readonly string[]) => parts.join("-");
const PASSWORD = word("a", "sample", "password");

async function postgresInputs(host: TestHost, password = PASSWORD): Promise<ProcessInputs> {
  const directory = join(host.directory, "cluster");
  const passwordFile = join(host.directory, "password");
  const script = join(host.directory, "start.sh");
  const content = postgresStartScript({
    port: "{port}",
    programs: programs?.directory ?? "",
    directory,
    passwordFile,
  });
  return host.inputs({
    name: "postgres",
    command: "/bin/sh",
    args: [script],
    files: [
      { path: script, content, mode: "0700" },
      { path: passwordFile, content: password, mode: "0600" },
    ],
    ready: { kind: "postgres", user: POSTGRES_ADMIN, timeoutSeconds: 110 },
    stop: { signal: "SIGINT", timeoutSeconds: 30 },
    data: [directory],
  });
}

async function ask(server: Recorded, sql: string, password = PASSWORD): Promise<readonly unknown[]> {
  const login = { user: POSTGRES_ADMIN, password, database: "postgres" };
  const client = new pg.Client({ host: "127.0.0.1", port: server.boundPort, ...login });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("PostgreSQL as a process of the host", function () {
  this.timeout(240_000);
  let host: TestHost;
  const started: Recorded[] = [];

  async function start(inputs: ProcessInputs): Promise<Recorded> {
    const server = await host.create(inputs);
    started.push(server);
    return server;
  }

  before(function () {
    if (programs === undefined) this.skip();
  });
  beforeEach(() => {
    host = new TestHost();
  });
  afterEach(async () => {
    for (const server of started.splice(0)) await localProcess.delete(server);
    host.close();
  });

  it("starts in a folder that only its owner may pass, lets in who has the password, and nobody else", async function () {
    if (isRoot && !mayMount) this.skip();
    assert.equal(statSync(host.directory).mode & 0o777, 0o700);
    const server = await start(await postgresInputs(host));
    assert.deepEqual(await ask(server, "SELECT current_user AS name"), [{ name: POSTGRES_ADMIN }]);
    await assert.rejects(ask(server, "SELECT 1", "other"), /password authentication failed/);
    assert.equal(existsSync(join(host.directory, "cluster", "data", "PG_VERSION")), true);
    assert.equal(readFileSync(`/proc/${server.pid}/comm`, "utf8"), "postgres\n");
  });

  it("is no process of root's, listens on the loopback alone, and shows its password nowhere", async () => {
    chmodSync(host.directory, 0o755);
    const server = await start(await postgresInputs(host));
    const settings = await ask(
      server,
      `SELECT name, setting FROM pg_settings WHERE name IN
        ('listen_addresses', 'unix_socket_directories', 'data_checksums', 'fsync', 'server_encoding') ORDER BY name`,
    );
    assert.deepEqual(settings, [
      { name: "data_checksums", setting: "on" },
      { name: "fsync", setting: "on" },
      { name: "listen_addresses", setting: "127.0.0.1" },
      { name: "server_encoding", setting: "UTF8" },
      { name: "unix_socket_directories", setting: "" },
    ]);
    assert.notEqual(statSync(`/proc/${server.pid}`).uid, 0);
    for (const file of ["cmdline", "environ"])
      assert.ok(!readFileSync(`/proc/${server.pid}/${file}`, "utf8").includes(PASSWORD), file);
    assert.ok(!readFileSync(server.log, "utf8").includes(PASSWORD));
  });

  it("keeps its data and port when it is killed, and takes a new password with the data kept", async () => {
    const server = await start(await postgresInputs(host));
    await ask(server, "CREATE TABLE kept AS SELECT 7 AS n");
    await killNow(server);
    const healed = await host.update(await host.refresh(server), await postgresInputs(host));
    started.push(healed);
    assert.equal(healed.boundPort, server.boundPort);
    assert.deepEqual(await ask(healed, "SELECT n FROM kept"), [{ n: 7 }]);
    const changed = await host.update(healed, await postgresInputs(host, "it's new"));
    started.push(changed);
    assert.deepEqual(await ask(changed, "SELECT n FROM kept", "it's new"), [{ n: 7 }]);
    await assert.rejects(ask(changed, "SELECT 1"), /password authentication failed/);
    assert.ok(!readFileSync(changed.log, "utf8").includes("it's new"));
  });

  it("begins anew where making the cluster was cut off", async () => {
    const inputs = await postgresInputs(host);
    const first = await start(inputs);
    await localProcess.delete(first);
    const folder = join(host.directory, "cluster");
    spawnSync("mv", [join(folder, "data"), join(folder, "data.new")]);
    const second = await start(inputs);
    assert.deepEqual(await ask(second, "SELECT 1 AS n"), [{ n: 1 }]);
    assert.equal(existsSync(join(folder, "data.new")), false);
  });

  it("names both ways out where root has no user postgres to run it", async function () {
    if (!isRoot) this.skip();
    const inputs = await postgresInputs(host);
    const files = inputs.files.map((file) => ({
      ...file,
      content: file.content.replaceAll("id -u postgres", "id -u no-such-user"),
    }));
    await assert.rejects(host.create({ ...inputs, files }), (error: Error) => {
      assert.match(error.message, /install the package postgresql, or set recordRuns: false in the spec/);
      return true;
    });
  });

  it("runs for an ordinary user as that user", function () {
    if (!isRoot) this.skip();
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-plain-"));
    try {
      const uid = Number(spawnSync("id", ["-u", "nobody"]).stdout.toString());
      chownSync(folder, uid, uid);
      const config = {
        port: "1",
        programs: join(folder, "programs"),
        directory: folder,
        passwordFile: "/dev/null",
      };
      const script = postgresStartScript(config).replace(/^serve=(?:'.*?')$/ms, "serve='id -u; echo \"$@\"'");
      const words = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups", "sh", "-c", script];
      const { stdout } = spawnSync("setpriv", words, { encoding: "utf8" });
      assert.match(
        stdout,
        new RegExp(`^${uid}\n${folder} ${folder}/programs -c port=1 -c listen_addresses=127`),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

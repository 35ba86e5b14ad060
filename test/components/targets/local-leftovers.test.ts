import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify } from "../../../components/hosts/process-identity.ts";
import { stopLeftovers } from "../../../components/targets/local/leftovers.ts";
import { runFileName } from "../../../worker/contract/run-file.ts";
import { serverProgram, TestHost } from "../../support/host-process.ts";

describe("what an interrupted update left of a stack", () => {
  let host: TestHost;
  const paths = () => {
    const { directory } = host;
    const inside = (name: string) => join(directory, name);
    return {
      directory,
      clientEnv: inside("client.env"),
      databaseEnv: inside("database.env"),
      apiEnv: inside("api.env"),
      backups: inside("backups"),
      postgres: inside("postgres"),
      redis: inside("redis"),
      run: inside("run"),
      logs: inside("logs"),
      secrets: inside("secrets"),
    };
  };
  beforeEach(() => {
    host = new TestHost();
  });
  afterEach(() => host.close());

  /** A process that says its name on the signal, in a log of all. */
  async function start(name: string, directory: string, signal = "SIGTERM") {
    const args = serverProgram(
      `process.on("${signal}", () => { console.log("${name}"); process.exit(0); });`,
    );
    return host.create(await host.inputs({ name, directory, args }));
  }

  it("is stopped in order: spawners, the workers of every class, Redis, PostgreSQL; its secrets go", async () => {
    const { directory, redis, postgres, clientEnv, databaseEnv, apiEnv, secrets, run } = paths();
    const server = await start("redis", redis);
    await start("spawner-heavy-a", directory);
    await start("postgres", postgres, "SIGINT");
    const worker = await start("worker", join(directory, "elsewhere"));
    const own = identify(worker.pid);
    assert.ok(own !== null);
    const file = { worker_id: "w", supervisor_pid: own.pid, supervisor_start: own.start, revision: "r" };
    const runFile = { ...file, worker_pid: null, worker_start: null, started_at: 0 };
    mkdirSync(`${run}-heavy`);
    writeFileSync(join(`${run}-heavy`, runFileName("w")), JSON.stringify(runFile));
    mkdirSync(secrets);
    for (const secret of [clientEnv, databaseEnv, apiEnv, join(secrets, "redis-password")])
      writeFileSync(secret, "x");

    const stopped = await stopLeftovers(paths());

    assert.deepEqual(stopped, ["spawner-heavy-a", "redis", "postgres"]);
    assert.deepEqual(host.pids(), []);
    assert.equal(readFileSync(server.log, "utf8"), "spawner-heavy-a\nworker\nredis\npostgres\n");
    assert.deepEqual([clientEnv, databaseEnv, apiEnv, secrets].filter(existsSync), []);
    assert.deepEqual([readdirSync(redis), readdirSync(`${run}-heavy`)], [[], []]);
  });

  it("is nothing where no stack ever was", async () => {
    host.close();
    assert.deepEqual(await stopLeftovers(paths()), []);
  });
});

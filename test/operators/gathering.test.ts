import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../../worker/src/adapters/postgres/migrate.ts";
import { loadSettings } from "../../worker/src/config/load-settings.ts";
import { metricNames, sumOf, whomToAsk } from "../../worker/src/doctor/endpoints.ts";
import { fleetProcesses, roleOf } from "../../worker/src/doctor/fleet-processes.ts";
import { fleetSettings } from "../../worker/src/doctor/fleet-settings.ts";
import { gatherDatabase } from "../../worker/src/doctor/gather-database.ts";
import { isError } from "../../worker/src/doctor/log-errors.ts";
import { isLoopback } from "../../worker/src/doctor/loopback.ts";
import { openDatabase, startPostgres, type TestPostgres } from "../support/postgres-server.ts";

describe("what doctor gathers", () => {
  it("processes of this fleet alone, by their command line and environment", () => {
    const proc = mkdtempSync(join(tmpdir(), "taskfleet-proc-"));
    const put = (pid: number, words: readonly string[], variables: readonly string[]) => {
      mkdirSync(join(proc, String(pid)));
      writeFileSync(join(proc, String(pid), "cmdline"), `${words.join("\0")}\0`);
      writeFileSync(join(proc, String(pid), "environ"), `${variables.join("\0")}\0`);
    };
    put(7, ["/bin/node", "/b/main.mjs", "spawner"], ["REDIS_URL=redis://:pw@r:6379", "A=b=c"]);
    put(8, ["/bin/node", "/b/main.mjs", "spawner"], ["REDIS_URL=redis://r:6380"]);
    put(
      9,
      ["/bin/node", "/b/main.mjs", "worker"],
      ["REDIS_URL=redis://r:6379", "TASKFLEET_QUEUE_NAME=gpu,peagen.tasks"],
    );
    put(10, ["/bin/node", "/b/main.mjs", "worker"], ["REDIS_URL=redis://r:6379", "TASKFLEET_QUEUE_NAME=gpu"]);
    put(11, ["vi", "main.mjs"], ["REDIS_URL=redis://r:6379"]);
    mkdirSync(join(proc, "12"));
    const found = fleetProcesses({ redisUrl: "redis://r:6379", stream: "peagen.tasks" }, proc);
    rmSync(proc, { recursive: true });
    assert.deepEqual(
      found.map(({ pid, role }) => [pid, role]),
      [
        [7, "spawner"],
        [9, "worker"],
      ],
    );
    assert.equal(found[0]?.environment.A, "b=c");
    assert.equal(roleOf(["node", "worker/src/main.ts", "supervise", "--", "x"]), "supervisor");
    assert.deepEqual(fleetProcesses({ redisUrl: "redis://r:6379", stream: "s" }, join(proc, "none")), []);
  });

  it("settings of running processes before those of this environment, defaults last", () => {
    const own = { TASKFLEET_LEASE: "9", TASKFLEET_RESULT_TTL: "60", LOG_JSON: "0" };
    const spawner = { pid: 7, role: "spawner", environment: { TASKFLEET_SWEEP_INTERVAL: "4" } } as const;
    const worker = {
      pid: 9,
      role: "worker",
      environment: { TASKFLEET_SWEEP_INTERVAL: "5", TASKFLEET_RESULT_TTL: "70" },
    } as const;
    const none = fleetSettings([], own);
    assert.deepEqual(
      [none.lease, none.sweepInterval, none.resultTtl, none.logJson, none.source],
      [9, 15, 60, false, "as this environment has it"],
    );
    const some = fleetSettings([worker, spawner], own);
    assert.deepEqual(
      [some.lease, some.sweepInterval, some.resultTtl, some.logJson, some.source],
      [45, 4, 70, true, "as spawner 7 has it"],
    );
  });

  it("addresses that this machine can reach", () => {
    const at = (worker_id: string, host: string, address: string) => ({ worker_id, host, address });
    const workers = [
      at("here", "me", "http://127.0.0.1:1"),
      at("there", "you", "http://127.0.0.1:2"),
      at("open", "you", "http://10.0.0.2:3"),
      at("off", "me", ""),
    ];
    assert.deepEqual(
      whomToAsk("http://127.0.0.1:9", workers, "https://api.example/", "me").map(
        ({ of, address }) => `${of} ${address}`,
      ),
      [
        "leader http://127.0.0.1:9",
        "worker here http://127.0.0.1:1",
        "worker open http://10.0.0.2:3",
        "api https://api.example",
      ],
    );
    assert.deepEqual(["127.9.0.1", "[::1]", "localhost", "10.0.0.1", "redis"].map(isLoopback), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("names and sums of metrics, and errors of logs", () => {
    const text =
      '# TYPE a_total counter\na_total{x="1"} 2\na_total{x="2"} 3\n# TYPE a_total_b gauge\na_total_b 9\n';
    assert.deepEqual(
      [metricNames(text), sumOf(text, "a_total"), sumOf(text, "a_total_b")],
      [["a_total", "a_total_b"], 5, 9],
    );
    const line = (level: string, message: string) => JSON.stringify({ level, message });
    const lines = [
      line("error", "worker_pool_poll_error"),
      line("error", "run_failed"),
      line("info", "x"),
      "error",
      "{",
    ];
    assert.deepEqual(lines.map(isError), [true, false, false, false, false]);
  });
});

describe("doctor's look at a database", function () {
  this.timeout(60_000);
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  const look = (url: string) => gatherDatabase(loadSettings({ DATABASE_URL: url }, "cli"));

  it("tells which migrations are missing, and after them none", async () => {
    const url = await postgres.database();
    const before = await look(url);
    assert.ok(before.state === "reachable" && before.pendingMigrations.length > 0);
    const database = await openDatabase(url);
    await migrate(database, "");
    await database.close();
    assert.deepEqual(await look(url), {
      state: "reachable",
      address: `127.0.0.1:${postgres.port}/test_0`,
      ...{ loopback: true, tls: false, pendingMigrations: [], maxConnections: 60 },
    });
  });

  it("takes no database for none, and one that is away for a fact", async () => {
    assert.deepEqual(await gatherDatabase(loadSettings({}, "cli")), { state: "none" });
    const away = await look("postgresql://a:hidden@127.0.0.1:1/record");
    assert.ok(away.state === "unreachable");
    assert.match(away.why, /^cannot use PostgreSQL at 127\.0\.0\.1:1\/record: .*ECONNREFUSED/);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseRunFile, type RunFile, runFileName } from "../../worker/contract/run-file.ts";
import { ProcessActuator } from "../../worker/src/adapters/processes/process-actuator.ts";
import { signalProcess } from "../../worker/src/adapters/processes/process-identity.ts";
import { RunDirectory } from "../../worker/src/adapters/processes/run-directory.ts";
import { workerEnvironment } from "../../worker/src/adapters/processes/worker-environment.ts";
import { waitFor } from "../support/wait.ts";

/** A program that only says how it was started, and ends at SIGTERM. */
const PROGRAM = `
console.log(JSON.stringify({ words: process.argv.slice(2), id: process.env.WORKER_ID,
  revision: process.env.TASKFLEET_REVISION, session: require("node:fs").readFileSync("/proc/self/stat", "latin1").split(" ")[5] }));
setInterval(() => {}, 1000);
`;

describe("process actuator", () => {
  let folder: string;
  let actuators: ProcessActuator[];

  function actuator(revision = "r1"): ProcessActuator {
    const made = new ProcessActuator({
      runDirectory: join(folder, "run"),
      logDirectory: join(folder, "logs"),
      main: join(folder, "main.cjs"),
      env: process.env,
      revision,
    });
    actuators.push(made);
    return made;
  }

  const runFile = (workerId: string): RunFile => {
    const file = parseRunFile(readFileSync(join(folder, "run", runFileName(workerId)), "utf8"));
    assert.ok(file !== null);
    return file;
  };
  const kill = (file: RunFile) =>
    signalProcess({ pid: file.supervisor_pid, start: file.supervisor_start }, "SIGKILL");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-actuator-"));
    writeFileSync(join(folder, "main.cjs"), PROGRAM);
    actuators = [];
  });

  afterEach(async () => {
    for (const file of await new RunDirectory(join(folder, "run")).read()) kill(file);
    rmSync(folder, { recursive: true, force: true });
  });

  it("lists nobody before anybody was started", async () => {
    assert.deepEqual(await actuator().list(), []);
  });

  it("starts supervisors in sessions of their own, each with a log and a name", async () => {
    const ids = await actuator().start(2);
    assert.equal(new Set(ids).size, 2);
    for (const id of ids) {
      assert.match(id, /^[\w.-]+-[0-9a-f]{10}$/);
      const log = join(folder, "logs", `${id}.log`);
      const line = await waitFor("the program's line", () => readFileSync(log, "utf8") || null);
      const session = String(runFile(id).supervisor_pid);
      assert.deepEqual(JSON.parse(line), { words: ["supervise"], id, revision: "r1", session });
      assert.equal(statSync(log).mode & 0o777, 0o600);
    }
  });

  it("shows a starting worker to every other spawner at once", async () => {
    const [id] = await actuator("r1").start(1);
    assert.ok(id !== undefined);
    const seen = await actuator("r2").list();
    assert.deepEqual(seen, [
      { workerId: id, revision: "r1", startedAt: runFile(id).started_at, draining: false },
    ]);
    assert.deepEqual([runFile(id).worker_pid, runFile(id).worker_start], [null, null]);
  });

  it("never writes over a run file of the supervisor's own", async () => {
    const runs = new RunDirectory(join(folder, "run"));
    const own: RunFile = {
      ...{ worker_id: "w", supervisor_pid: 1, supervisor_start: 2, worker_pid: 3, worker_start: 4 },
      ...{ revision: "r", started_at: 5 },
    };
    await runs.announce(own);
    await runs.announce({ ...own, worker_pid: null, worker_start: null });
    assert.deepEqual(await runs.read(), [own]);
    assert.deepEqual(readdirSync(join(folder, "run")), ["w.json"]);
  });

  it("drains by SIGTERM, and knows whose end was asked for", async () => {
    const first = actuator();
    const [one, two] = await first.start(2);
    assert.ok(one !== undefined && two !== undefined);
    await first.drain([one, "nobody"]);
    await waitFor("the drained one to end", async () => (await first.list()).length === 1);
    assert.deepEqual(
      (await first.list()).map(({ workerId }) => workerId),
      [two],
    );
    const reaped: unknown[] = [];
    await first.reap(async (vanished) => void reaped.push(vanished));
    assert.deepEqual(reaped, [{ workerId: one, reason: "signal" }]);
  });

  it("finds workers that vanished, and forgets them once that is recorded", async () => {
    const [one, two] = await actuator().start(2);
    assert.ok(one !== undefined && two !== undefined);
    kill(runFile(one));
    const other = actuator();
    await waitFor("it to be gone", async () => (await other.list()).length === 1);
    await assert.rejects(
      other.reap(async () => {
        throw new Error("Redis is away");
      }),
      /Redis is away/,
    );
    const recorded: unknown[] = [];
    assert.deepEqual(await other.reap(async (vanished) => void recorded.push(vanished)), [one]);
    assert.deepEqual(await other.reap(async (vanished) => void recorded.push(vanished)), []);
    assert.deepEqual(recorded, [{ workerId: one, reason: "error" }]);
    assert.deepEqual(readdirSync(join(folder, "run")), [runFileName(two)]);
  });

  it("believes the reason that a supervisor noted before it was gone", async () => {
    const [id] = await actuator().start(1);
    assert.ok(id !== undefined);
    const file = runFile(id);
    writeFileSync(join(folder, "run", runFileName(id)), JSON.stringify({ ...file, exit: "idle" }));
    kill(file);
    const other = actuator();
    await waitFor("it to be gone", async () => (await other.list()).length === 0);
    const recorded: unknown[] = [];
    await other.reap(async (vanished) => void recorded.push(vanished));
    assert.deepEqual(recorded, [{ workerId: id, reason: "idle" }]);
  });

  it("counts a worker whose supervisor died as draining while it lives", async () => {
    const first = actuator();
    const [supervisor, worker] = await first.start(2);
    assert.ok(supervisor !== undefined && worker !== undefined);
    const { supervisor_pid: worker_pid, supervisor_start: worker_start } = runFile(worker);
    const file = { ...runFile(supervisor), worker_pid, worker_start };
    writeFileSync(join(folder, "run", runFileName(supervisor)), JSON.stringify(file));
    kill(file);
    const found = await waitFor("the supervisor's end to be seen", async () =>
      (await first.list()).find(({ workerId, draining }) => workerId === supervisor && draining),
    );
    assert.equal(found.draining, true);
    assert.deepEqual(await first.reap(async () => {}), []);
  });

  it("passes over files that are no run files", async () => {
    const first = actuator();
    const [id] = await first.start(1);
    writeFileSync(join(folder, "run", "half.json"), '{"worker_id": "half"');
    writeFileSync(join(folder, "run", ".draft.json"), "{}");
    writeFileSync(join(folder, "run", "notes.txt"), "x");
    assert.deepEqual(
      (await first.list()).map(({ workerId }) => workerId),
      [id],
    );
    assert.deepEqual(await first.reap(async () => {}), []);
  });

  it("keeps the newest fifty logs of workers that are gone", async () => {
    const first = actuator();
    const [id] = await first.start(1);
    for (let age = 0; age < 60; age += 1) {
      const log = join(folder, "logs", `old-${String(age).padStart(2, "0")}.log`);
      writeFileSync(log, "");
      utimesSync(log, 1_000_000 - age, 1_000_000 - age);
    }
    const [next] = await first.start(1);
    const left = readdirSync(join(folder, "logs")).sort();
    const kept = Array.from({ length: 50 }, (_, age) => `old-${String(age).padStart(2, "0")}.log`);
    assert.deepEqual(left, [...kept, `${id}.log`, `${next}.log`].sort());
  });

  it("says so when nothing can be started", async () => {
    writeFileSync(join(folder, "logs"), "a file where the folder should be");
    await assert.rejects(actuator().start(1), /EEXIST|ENOTDIR/);
  });
});

describe("a worker's environment", () => {
  const identity = { workerId: "w1", revision: "r1" };
  const sample = ["pass", "word"].join("");

  it("is the spawner's, with the worker's own name, revision and port", () => {
    const env = workerEnvironment({ LEASE: "1", TASKFLEET_HTTP_PORT: "8080", WORKER_ID: "x" }, identity);
    assert.deepEqual(env, {
      LEASE: "1",
      TASKFLEET_HTTP_PORT: "0",
      WORKER_ID: "w1",
      TASKFLEET_REVISION: "r1",
    });
  });

  it("leaves out what only other roles read: the database's, the API's and the scaler's, and their files", () => {
    const foreign = [
      ...["DATABASE_URL", "DATABASE_URL_FILE", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"],
      ...["PGPASSWORD_FILE", "TASKFLEET_DATABASE_ADMIN_URL_FILE", "TASKFLEET_DATABASE_MIGRATE_URL"],
      ...[
        "TASKFLEET_DATABASE_BACKUP_URL_FILE",
        "TASKFLEET_API_KEY",
        "TASKFLEET_API_KEY_FILE",
        "TASKFLEET_API_URL",
      ],
      ...["TASKFLEET_TABLE_PREFIX", "TASKFLEET_SCALE_MAX"],
    ];
    const spawner = Object.fromEntries(
      [...foreign, "REDIS_URL", "LOG_JSON", "OTHER"].map((name) => [name, "x"]),
    );
    assert.deepEqual(Object.keys(workerEnvironment(spawner, identity)).sort(), [
      "LOG_JSON",
      "OTHER",
      "REDIS_URL",
      "TASKFLEET_HTTP_PORT",
      "TASKFLEET_REVISION",
      "WORKER_ID",
    ]);
  });

  it("hands on the password's file alone where there is one", () => {
    const both = workerEnvironment({ REDIS_PASSWORD: sample, REDIS_PASSWORD_FILE: "/f" }, identity);
    assert.deepEqual([both.REDIS_PASSWORD, both.REDIS_PASSWORD_FILE], [undefined, "/f"]);
    assert.equal(workerEnvironment({ REDIS_PASSWORD: sample }, identity).REDIS_PASSWORD, sample);
  });
});

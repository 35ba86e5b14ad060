import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseRunFile, type RunFile } from "../../worker/contract/run-file.ts";
import { identify } from "../../worker/src/adapters/processes/process-identity.ts";
import { waitFor } from "../support/wait.ts";
import { type TestFleet, withFleetInFolder } from "./support/fleet.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

describe("a supervised worker", () => {
  let fleet: TestFleet;
  let folder: string;
  withFleetInFolder((made) => {
    ({ fleet, folder } = made);
  });

  const runFiles = () => readdirSync(folder).filter((name) => name.endsWith(".json"));

  function start(environment: Readonly<Record<string, string>> = {}): WorkerProcess {
    const settings = { TASKFLEET_RUN_DIRECTORY: join(folder), TASKFLEET_REVISION: "r-7", ...environment };
    return fleet.worker(settings, "supervise");
  }

  /** Waits until the worker reads and its run file is there, and returns that. */
  async function runFile(supervisor: WorkerProcess): Promise<RunFile> {
    await supervisor.ready();
    const path = join(folder, `${supervisor.id}.json`);
    await waitFor("the run file", () => existsSync(path));
    const file = parseRunFile(readFileSync(path, "utf8"));
    assert.ok(file !== null);
    return file;
  }

  async function exits(): Promise<Record<string, string>> {
    const stats = Object.entries(await fleet.queue.stats());
    return Object.fromEntries(stats.filter(([name]) => name.startsWith("exit:")));
  }

  it("has a run file that names both processes by pid and start time", async () => {
    const supervisor = start();
    const file = await runFile(supervisor);
    assert.deepEqual([file.worker_id, file.revision], [supervisor.id, "r-7"]);
    assert.deepEqual(identify(supervisor.pid), { pid: file.supervisor_pid, start: file.supervisor_start });
    assert.ok(file.worker_pid !== null && file.worker_pid !== supervisor.pid);
    assert.equal(identify(file.worker_pid)?.start, file.worker_start);
    assert.deepEqual(runFiles(), [`${supervisor.id}.json`]);
  });

  it("that is killed counts once as error, and its programs are ended", async () => {
    const supervisor = start();
    const { worker_pid } = await runFile(supervisor);
    const note = join(folder, "pid");
    const command = ["sh", "-c", `echo $$ > ${note}.new; mv ${note}.new ${note}; sleep 60; sleep 60`];
    await fleet.push("execute", { command });
    const program = Number(
      await waitFor("the program", () => existsSync(note) && readFileSync(note, "utf8")),
    );
    process.kill(Number(worker_pid), "SIGKILL");
    assert.equal(await supervisor.ended(), 1);
    assert.deepEqual(await exits(), { "exit:error": "1" });
    assert.deepEqual(runFiles(), []);
    await waitFor("the program's end", () => identify(program) === null);
  });

  it("that is stopped through its supervisor finishes its task and counts as signal", async () => {
    const supervisor = await start().ready();
    const id = await fleet.push("stubborn", { ms: 800 });
    await supervisor.logged("run_dispatched");
    supervisor.signal("SIGTERM");
    assert.equal(await supervisor.ended(), 0);
    assert.equal((await fleet.result(id)).output, "late");
    assert.deepEqual(await exits(), { "exit:signal": "1" });
    assert.deepEqual(runFiles(), []);
  });

  it("counts as idle, success or timeout when it ends by itself", async () => {
    await start({ WORKER_IDLE_EXIT: "0.1" }).ended();
    assert.deepEqual(await exits(), { "exit:idle": "1" });
    await start({ WORKER_MAX_UPTIME: "0.1" }).ended();
    assert.deepEqual(await exits(), { "exit:idle": "1", "exit:success": "1" });
    await fleet.push("sleep", { ms: 60_000 });
    const limits = { WORKER_MAX_UPTIME: "1", TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT: "0" };
    const late = start(limits);
    await late.logged("run_dispatched");
    await late.ended();
    assert.deepEqual(await exits(), { "exit:idle": "1", "exit:success": "1", "exit:timeout": "1" });
  });

  it("that cannot start counts as error", async () => {
    const supervisor = start({ TASKFLEET_HANDLERS: join(folder, "nowhere") });
    assert.equal(await supervisor.ended(), 1);
    assert.match(supervisor.output, /nowhere: the folder cannot be read/);
    assert.deepEqual(await exits(), { "exit:error": "1" });
  });

  it("has its reason in the run file while Redis is away", async () => {
    const nowhere = { REDIS_URL: "redis://127.0.0.1:1", TASKFLEET_HANDLERS: join(folder, "nowhere") };
    const supervisor = start(nowhere);
    await waitFor("the reason", () =>
      runFiles().some((name) => parseRunFile(readFileSync(join(folder, name), "utf8"))?.exit === "error"),
    );
    supervisor.signal("SIGKILL");
  });

  it("leaves no temporary folder behind when it is killed", async () => {
    const supervisor = start({ TMPDIR: folder });
    const { worker_pid } = await runFile(supervisor);
    const temporary = () => readdirSync(folder).filter((name) => name.startsWith("taskfleet-"));
    await fleet.push("execute", { command: ["sleep", "60"] });
    await supervisor.logged("run_dispatched");
    const [parent = ""] = temporary();
    await waitFor("the scratch folder", () => readdirSync(join(folder, parent)).length === 1);
    process.kill(Number(worker_pid), "SIGKILL");
    await supervisor.ended();
    assert.deepEqual(temporary(), []);
  });

  it("drains when its supervisor is killed; its run file stays for the spawner", async () => {
    const supervisor = start();
    const { worker_pid } = await runFile(supervisor);
    const id = await fleet.push("stubborn", { ms: 800 });
    await supervisor.logged("run_dispatched");
    supervisor.signal("SIGKILL");
    assert.equal((await fleet.result(id)).worker_id, supervisor.id);
    await waitFor("the worker's end", () => identify(Number(worker_pid)) === null);
    assert.equal((await supervisor.logged("worker_pool_stopped")).reason, "orphan");
    assert.deepEqual(await exits(), {});
    assert.deepEqual(runFiles(), [`${supervisor.id}.json`]);
  });
});

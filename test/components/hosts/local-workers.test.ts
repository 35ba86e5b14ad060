import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopWorkers } from "../../../components/hosts/local-workers.ts";
import { identify } from "../../../components/hosts/process-identity.ts";
import { type RunFile, runFileName } from "../../../worker/contract/run-file.ts";

describe("stopping the workers of a run directory", () => {
  let directory: string;
  const children: ChildProcess[] = [];
  const lines: string[] = [];
  const options = { report: (line: string) => lines.push(line), reportEveryMs: 50 };

  /** A process that says when it is ready, so that its signal handlers are in place. */
  async function start(program: string): Promise<ChildProcess> {
    const code = `${program}; setInterval(() => {}, 1000); console.log("ready")`;
    const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "ignore"] });
    children.push(child);
    if (child.stdout !== null) await once(child.stdout, "data");
    return child;
  }

  function record(id: string, supervisor: ChildProcess, worker: ChildProcess | null, shift = 0): void {
    const of = (child: ChildProcess) => identify(child.pid ?? 0) ?? { pid: child.pid ?? 0, start: 0 };
    const file: RunFile = {
      worker_id: id,
      supervisor_pid: of(supervisor).pid,
      supervisor_start: of(supervisor).start + shift,
      worker_pid: worker === null ? null : of(worker).pid,
      worker_start: worker === null ? null : of(worker).start + shift,
      revision: "r",
      started_at: 0,
    };
    writeFileSync(join(directory, runFileName(id)), JSON.stringify(file));
  }

  const ended = (child: ChildProcess) => child.signalCode ?? child.exitCode;
  const settled = (child: ChildProcess) => (ended(child) === null ? once(child, "exit") : undefined);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "taskfleet-run-"));
    lines.length = 0;
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  it("asks the supervisor, which ends its worker; a worker without one is asked itself", async () => {
    const supervisor = await start('process.on("SIGTERM", () => process.exit(7))');
    const orphan = await start('process.on("SIGTERM", () => process.exit(8))');
    const dead = await start("");
    record("a", supervisor, null);
    record("b", dead, orphan);
    dead.kill("SIGKILL");
    await once(dead, "exit");
    await stopWorkers({ directory, stopTimeoutSeconds: 15 }, options);
    await Promise.all([supervisor, orphan].map(settled));
    assert.deepEqual([ended(supervisor), ended(orphan)], [7, 8]);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("kills supervisor and worker when the time is up, and says so", async () => {
    const supervisor = await start('process.on("SIGTERM", () => {})');
    const worker = await start('process.on("SIGTERM", () => {})');
    record("a", supervisor, worker);
    await stopWorkers({ directory, stopTimeoutSeconds: 1 }, options);
    await Promise.all([supervisor, worker].map(settled));
    assert.deepEqual([ended(supervisor), ended(worker)], ["SIGKILL", "SIGKILL"]);
    assert.match(lines[0] ?? "", /^waiting for 1 worker to finish running tasks \(\d of 1 s\)$/);
    assert.equal(lines.at(-1), "1 worker did not finish within 1 s: killed");
  });

  it("kills the worker alone where its supervisor then ends by itself, after it cleaned up", async () => {
    const worker = await start('process.on("SIGTERM", () => {})');
    const cleaning = `process.on("SIGTERM", () => {});
      setInterval(() => { try { process.kill(${worker.pid}, 0) } catch { process.exit(9) } }, 10)`;
    const supervisor = await start(cleaning);
    record("a", supervisor, worker);
    await stopWorkers({ directory, stopTimeoutSeconds: 0.2 }, options);
    await Promise.all([supervisor, worker].map(settled));
    assert.deepEqual([ended(supervisor), ended(worker)], [9, "SIGKILL"]);
  });

  it("continues a stopped worker, so that it can hand its tasks back", async () => {
    const supervisor = await start('process.on("SIGTERM", () => process.exit(7))');
    record("a", supervisor, null);
    supervisor.kill("SIGSTOP");
    await stopWorkers({ directory, stopTimeoutSeconds: 15 }, options);
    await settled(supervisor);
    assert.equal(ended(supervisor), 7);
  });

  it("leaves a stranger alone that got the pid of a worker", async () => {
    const stranger = await start("");
    record("a", stranger, stranger, 1);
    await stopWorkers({ directory, stopTimeoutSeconds: 15 }, options);
    assert.equal(ended(stranger), null);
    assert.ok(identify(stranger.pid ?? 0) !== null);
  });

  it("has nothing to do without a directory", async () => {
    await stopWorkers({ directory: join(directory, "none"), stopTimeoutSeconds: 15 }, options);
    assert.deepEqual(lines, []);
  });
});

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "../../worker/src/adapters/processes/process-identity.ts";
import { PermanentError, type TaskContext } from "../../worker/src/handler.ts";
import { type ExecuteOutput, executeHandler } from "../../worker/src/handlers/execute.ts";
import { circuit } from "../../worker/src/runtime/circuit.ts";
import { closedCircuits } from "../support/circuits.ts";
import { waitFor } from "../support/wait.ts";

type Payload = Parameters<typeof executeHandler.run>[0];

const GRACE_MS = 500;
/** Of programs that run into it: a busy machine takes its time to start one. */
const LIMIT_MS = 2_000;
const scratchFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith("taskfleet-execute-"));

function context(signal: AbortSignal = new AbortController().signal): TaskContext {
  return {
    taskId: "t",
    kind: "execute",
    attempt: 1,
    graceMs: GRACE_MS,
    signal,
    secret: () => "",
    circuit: (name) => circuit(closedCircuits, name, signal),
    progress: () => {},
    log: () => {},
  };
}

async function execute(payload: Payload, signal?: AbortSignal): Promise<ExecuteOutput> {
  return (await executeHandler.run(payload, context(signal))) as ExecuteOutput;
}

async function failure(payload: Payload, signal?: AbortSignal) {
  try {
    await execute(payload, signal);
  } catch (error) {
    assert.ok(error instanceof PermanentError, String(error));
    return { reason: error.reason, message: error.message, output: error.output as ExecuteOutput };
  }
  return assert.fail("it succeeded");
}

/** Whether a process runs; one that ended and was not waited for does not. */
const runs = (pid: number) => identify(pid) !== null;

describe("execute", () => {
  // A folder of this test's own: others may run programs at the same time.
  let temporary: string;
  let usual: string | undefined;
  before(() => {
    usual = process.env.TMPDIR;
    temporary = mkdtempSync(join(tmpdir(), "execute-test-"));
    process.env.TMPDIR = temporary;
  });
  after(() => {
    if (usual === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usual;
    rmSync(temporary, { recursive: true });
  });

  it("gives the program its bytes and keeps what it prints, byte for byte", async () => {
    const all = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 256));
    const output = await execute({ command: ["cat"], stdinBase64: all.toString("base64") });
    assert.equal(output.stdoutEncoding, "base64");
    assert.ok(Buffer.from(output.stdout, "base64").equals(all));
    assert.deepEqual(
      { ...output, stdout: "" },
      {
        exitCode: 0,
        stdout: "",
        stdoutEncoding: "base64",
        stderr: "",
        stderrEncoding: "utf8",
        truncated: false,
      },
    );
  });

  it("keeps text as text, on both channels", async () => {
    const output = await execute({ command: ["sh", "-c", "cat; echo ünten >&2"], stdin: "ol\u0000é\n" });
    assert.equal(output.stdout, "ol\u0000é\n");
    assert.deepEqual([output.stdoutEncoding, output.stderr], ["utf8", "ünten\n"]);
  });

  it("does not mind a program that leaves its input unread", async () => {
    const output = await execute({ command: ["true"], stdin: "x".repeat(1_000_000) });
    assert.equal(output.exitCode, 0);
  });

  it("runs it in a fresh folder of its own with a clean environment, and removes the folder", async () => {
    process.env.EXECUTE_TEST_TOKEN = "not for programs";
    try {
      const script = "stat -c %a . ; pwd; ls -A; touch left-behind; env | cut -d= -f1 | sort | tr '\\n' ' '";
      const { stdout } = await execute({ command: ["sh", "-c", script], environment: { GIVEN: "1" } });
      const [mode, folder = "", names, ...more] = stdout.split("\n");
      assert.equal(mode, "700");
      assert.match(folder, /taskfleet-execute-/);
      assert.deepEqual([names?.trim(), more], ["GIVEN HOME LANG LC_ALL PATH PWD TMPDIR", []]);
      assert.equal(existsSync(folder), false);
      assert.deepEqual(scratchFolders(), []);
    } finally {
      delete process.env.EXECUTE_TEST_TOKEN;
    }
  });

  it("fails for good on a status other than 0 and keeps the output", async () => {
    const { reason, message, output } = await failure({ command: ["sh", "-c", "echo half; exit 3"] });
    assert.deepEqual([reason, message], ["exit", "execute: the program exited with status 3"]);
    assert.deepEqual([output.exitCode, output.stdout], [3, "half\n"]);
    const killed = await failure({ command: ["sh", "-c", "kill -KILL $$"] });
    assert.deepEqual([killed.output.exitCode, killed.output.signal], [null, "SIGKILL"]);
  });

  it("stops a program that prints more than its cap", async () => {
    const { reason, output } = await failure({ command: ["yes"], maxOutputBytes: 1000 });
    assert.equal(reason, "output");
    assert.deepEqual([output.stdout.length, output.truncated], [1000, true]);
    const exact = await execute({ command: ["printf", "1234"], maxOutputBytes: 4 });
    assert.deepEqual([exact.stdout, exact.truncated], ["1234", false]);
  });

  it("stops a program that takes too long", async () => {
    const { reason, output } = await failure({
      command: ["sh", "-c", "echo begun; sleep 60"],
      timeoutMs: LIMIT_MS,
    });
    assert.deepEqual([reason, output.stdout, output.signal], ["timeout", "begun\n", "SIGTERM"]);
  });

  it("kills the whole group, also what ignores SIGTERM", async () => {
    const controller = new AbortController();
    const script = "trap '' TERM; (trap '' TERM; sleep 60) & echo $$ $! > pids.new; mv pids.new pids; wait";
    const running = failure({ command: ["sh", "-c", script] }, controller.signal);
    const pids = await waitFor("both processes", () => {
      const [folder = ""] = scratchFolders();
      const file = join(tmpdir(), folder, "pids");
      return existsSync(file) ? readFileSync(file, "utf8").trim().split(" ").map(Number) : undefined;
    });
    assert.deepEqual(pids.map(runs), [true, true]);
    controller.abort("timeout");
    const { reason, output } = await running;
    assert.deepEqual([reason, output.signal], ["timeout", "SIGKILL"]);
    await waitFor("the group's end", () => !pids.some(runs));
  });

  it("leaves nothing running when the program itself ends", async () => {
    const { stdout } = await execute({ command: ["sh", "-c", "sleep 60 & echo $!"] });
    const pid = Number(stdout);
    assert.ok(pid > 1);
    await waitFor("the grandchild's end", () => !runs(pid));
  });

  it("does not wait for what left the group and keeps the output open", async () => {
    const leaves =
      "setsid sh -c ': > left; exec sleep 60' & echo $!; until test -e left; do sleep 0.01; done";
    const script = (rest: string): [string, ...string[]] => ["sh", "-c", `${leaves}; ${rest}`];
    const done = await execute({ command: script("exit 0") });
    const late = await failure({ command: script("sleep 60"), timeoutMs: LIMIT_MS });
    for (const { stdout } of [done, late.output]) {
      const pid = Number(stdout);
      assert.ok(pid > 1, "it left before its program ended");
      process.kill(pid, "SIGKILL");
    }
    assert.deepEqual([done.exitCode, late.reason], [0, "timeout"]);
  });

  it("succeeds although the program closed a folder to its own user", async () => {
    await execute({ command: ["sh", "-c", "mkdir -p shut/in; touch shut/in/file; chmod 000 shut/in shut"] });
    assert.deepEqual(scratchFolders(), []);
  });

  it("says that there is no such program, or that it may not be run", async () => {
    const missing = await failure({ command: ["no-such-program"] });
    assert.match(missing.message, /"no-such-program" is not installed on the worker, or not on its PATH/);
    const refused = await failure({ command: [import.meta.filename] });
    assert.match(refused.message, /may not be executed/);
    const long = await failure({ command: ["echo", "x".repeat(3_000_000)] });
    assert.match(long.message, /arguments and environment are too long/);
  });

  it("refuses what it cannot do", async () => {
    const untrusted = await failure({ command: ["true"], untrusted: true });
    assert.equal(untrusted.reason, "denied");
    assert.match(
      untrusted.message,
      /untrusted is true, but this worker has none: it was started without one/,
    );
    const stray = await failure({ command: ["true"], cpuMs: 5 });
    assert.match(stray.message, /cpuMs is a limit of the sandbox; set untrusted to true/);
    assert.match((await failure({ command: ["cat"], stdin: "", stdinBase64: "" })).message, /leave one out/);
    assert.match((await failure({ command: [""] })).message, /must name a program/);
    assert.match((await failure({ command: ["echo", "\0"] })).message, /NUL/);
  });
});

import assert from "node:assert/strict";
import { waitFor } from "../support/wait.ts";
import { settings } from "./support/machines.ts";
import { processesWith } from "./support/processes.ts";
import { SandboxRunner } from "./support/sandbox-runner.ts";

for (const { backEnd, uid, helper, confined, title } of await settings())
  describe(`execute in the sandbox ${title}`, () => {
    let runner: SandboxRunner;
    before(() => {
      runner = new SandboxRunner({ helper, backEnd }, uid, confined);
    });
    after(() => runner.stop());

    const run = (command: readonly string[], more: object = {}) =>
      runner.run({ command, untrusted: true, ...more });

    it("is there, and lacks nothing on this machine", async () => {
      assert.deepEqual(await runner.hello, {
        backEnd,
        unenforced: [],
        oneAtATime: backEnd === "landlock" && uid !== undefined,
      });
    });

    it("gives the program its bytes, keeps what it prints and leaves nothing", async () => {
      const { output } = await run(["sh", "-c", "cat; echo aside >&2; echo kept >file; cat file"], {
        stdin: "given\n",
      });
      assert.deepEqual(output, {
        exitCode: 0,
        stdout: "given\nkept\n",
        stdoutEncoding: "utf8",
        stderr: "aside\n",
        stderrEncoding: "utf8",
        truncated: false,
      });
      assert.deepEqual(runner.folders(), []);
    });

    it("gives it an environment without anything of the worker's", async () => {
      const { output } = await run(["env"], { environment: { GIVEN: "1" } });
      const names = output?.stdout.split("\n").map((line) => line.split("=")[0]);
      assert.deepEqual(names?.sort(), ["", "GIVEN", "HOME", "LANG", "LC_ALL", "PATH", "TMPDIR"]);
    });

    it("runs Node, with children and threads", async () => {
      const script = `
        const { execFileSync } = require("node:child_process");
        const { Worker } = require("node:worker_threads");
        new Worker('require("node:worker_threads").parentPort.postMessage("thread")', { eval: true })
          .on("message", (said) => console.log(said, execFileSync("echo", ["child"]).toString().trim(), process.memoryUsage().rss > 0));`;
      const answer = await run(["node", "-e", script]);
      assert.equal(answer.output?.stdout, "thread child true\n", JSON.stringify(answer));
    });

    it("tells a program that is not there from one that failed", async () => {
      const missing = await run(["no-such-program"]);
      assert.match(missing.message ?? "", /"no-such-program" is not installed on the worker/);
      const failed = await run(["sh", "-c", "echo half; exit 3"]);
      assert.deepEqual([failed.reason, failed.failedOutput?.exitCode], ["exit", 3]);
      assert.equal(failed.failedOutput?.stdout, "half\n");
    });

    it("takes lower limits from a payload and refuses higher ones", async () => {
      const slow = await run(["sleep", "60"], { timeoutMs: 200 });
      assert.equal(slow.reason, "timeout");
      const greedy = await run(["true"], { processes: 129, memoryBytes: 2 ** 31 });
      assert.equal(greedy.reason, "payload");
      assert.equal(
        greedy.message,
        "execute: processes is 129, at most 128 is allowed to sandboxed programs here; memoryBytes is 2147483648, " +
          "at most 1073741824 is allowed to sandboxed programs here; lower it, or raise the fleet's execute limits",
      );
    });

    it("ends a program and all that it started when the task is cancelled", async () => {
      const marker = `${4_000_000 + process.pid}`;
      const { answer, abort } = runner.start({
        command: ["sh", "-c", `trap '' TERM; setsid sleep ${marker} & sleep ${marker}`],
        untrusted: true,
      });
      await waitFor("both", () => sleepers(marker).length === 2);
      abort("cancelled");
      assert.equal((await answer).reason, "cancelled");
      await waitFor("their end", () => sleepers(marker).length === 0);
    });

    it("leaves nothing when the worker is killed", async () => {
      const other = new SandboxRunner({ helper, backEnd }, uid, confined);
      try {
        await other.hello;
        const marker = `${5_000_000 + process.pid}`;
        const { answer } = other.start({
          command: ["sh", "-c", `setsid sleep ${marker} & exec sleep ${marker}`],
          untrusted: true,
        });
        void answer;
        await waitFor("both", () => sleepers(marker).length === 2);
        other.kill();
        await waitFor("their end", () => sleepers(marker).length === 0);
      } finally {
        await other.stop();
      }
    });
  });

/** Processes `sleep <marker>`. */
function sleepers(marker: string): readonly number[] {
  return processesWith(`sleep\0${marker}\0`);
}

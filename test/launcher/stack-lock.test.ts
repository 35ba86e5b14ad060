import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../../components/cli/command-error.ts";
import { assertUnlocked, stackLocks } from "../../components/cli/stack-lock.ts";
import { waitFor } from "../support/wait.ts";

describe("a stack's state lock", () => {
  let folder: string;
  let child: ChildProcess;
  let timestamp: string;
  const address = () => ({ backendUrl: `file://${folder}`, project: "taskfleet", stack: "local" });

  before(async () => {
    child = spawn("sleep", ["600"], { stdio: "ignore" });
    await once(child, "spawn");
    timestamp = new Date().toISOString();
  });

  after(() => child.kill("SIGKILL"));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-lock-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function lock(fields: { pid: number; hostname?: string; timestamp?: string }): void {
    const locks = join(folder, ".pulumi/locks/organization/taskfleet/local");
    mkdirSync(locks, { recursive: true });
    const content = { username: "ada", hostname: hostname(), timestamp, ...fields };
    writeFileSync(join(locks, "0b1f.json"), JSON.stringify(content));
  }

  function refusal(): string {
    try {
      assertUnlocked(address());
    } catch (error) {
      assert.ok(error instanceof CommandError);
      assert.equal(error.exitCode, 6);
      return error.message;
    }
    return assert.fail("the stack counts as unlocked");
  }

  it("does not stand in the way when there is none, or in a back end that is no folder", () => {
    assertUnlocked(address());
    assertUnlocked({ ...address(), backendUrl: "s3://bucket" });
    lock({ pid: child.pid ?? 0 });
    assertUnlocked({ ...address(), stack: "other" });
  });

  it("names a running update with its owner", () => {
    lock({ pid: child.pid ?? 0 });
    const owner = `pid ${child.pid}, ada@${hostname()}, since ${timestamp}`;
    assert.equal(refusal(), `another update of stack local is running (${owner}): wait for it to end`);
  });

  it("explains a lock whose process is gone, and how to remove it", async () => {
    const dead = spawn("true", { stdio: "ignore" });
    await once(dead, "exit");
    lock({ pid: dead.pid ?? 0 });
    const owner = `pid ${dead.pid}, ada@${hostname()}, since ${timestamp}`;
    const way = 'eval "$(./taskfleet env)"; pulumi cancel local --yes';
    assert.equal(
      refusal(),
      `stack local has a stale lock: its owner (${owner}) is gone; remove it with: ${way}`,
    );
  });

  it("counts a process that ended, and that nobody waited for, as gone", async () => {
    const parent = spawn("sh", ["-c", "sleep 600 & echo $!; exec sleep 600"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      const [printed] = await once(parent.stdout, "data");
      const pid = Number(printed);
      // The shell would wait for its child; what it becomes does not.
      const isSleep = () => readFileSync(`/proc/${parent.pid}/comm`, "utf8") === "sleep\n";
      await waitFor("the shell to be another program", isSleep);
      process.kill(pid, "SIGKILL");
      const isZombie = () => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
      await waitFor("the child's end", isZombie);
      lock({ pid });
      assert.match(refusal(), /^stack local has a stale lock/);
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("sees that a process id now belongs to a process that began after the lock", () => {
    lock({ pid: child.pid ?? 0, timestamp: "2020-01-01T00:00:00Z" });
    assert.match(refusal(), /^stack local has a stale lock/);
  });

  it("does not judge processes of another host", () => {
    lock({ pid: 1, hostname: "elsewhere.example" });
    assert.match(refusal(), /^stack local is locked from another host \(pid 1, ada@elsewhere\.example/);
    assert.equal(stackLocks(address()).length, 1);
  });
});

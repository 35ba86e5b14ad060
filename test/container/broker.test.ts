import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PATHS } from "../../components/paths.ts";
import { passable, sharedHelper, WORKER_UID } from "../sandbox/support/machines.ts";
import { SandboxRunner } from "../sandbox/support/sandbox-runner.ts";
import { DockerEngine, engineProblem } from "../support/docker-engine.ts";
import { waitFor } from "../support/wait.ts";

const IMAGE = "taskfleet-test-programs";
const PROGRAMS = ["sh", "perl", "cat", "env", "sleep", "yes", "ls", "head", "id"];
const MIB = 1024 * 1024;
const FORK_BOMB = "while (1) { fork; }";
const MEMORY_HOG = "my @a; push @a, 'x' x 1_000_000 while 1";
const CONNECT =
  "use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0) or die qq(socket: $!); " +
  "connect($s, sockaddr_in(80, inet_aton('192.0.2.1'))) or die qq(connect: $!\\n)";

/** A broker and how it is stopped. */
class Broker {
  readonly folder = mkdtempSync(join(tmpdir(), "taskfleet-broker-"));
  readonly socket = join(this.folder, "broker.sock");
  readonly #engine: DockerEngine;
  #child: ChildProcess | undefined;

  constructor(engine: DockerEngine) {
    this.#engine = engine;
    chmodSync(this.folder, 0o755);
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const env = {
      ...this.#engine.environment,
      TASKFLEET_SANDBOX_BROKER: this.socket,
      TASKFLEET_BROKER_IMAGE: IMAGE,
      ...settings,
    };
    const words = [join(PATHS.root, "worker/src/main.ts"), "sandbox-broker"];
    const child = spawn(process.execPath, words, { env, cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    await waitFor("the broker", () => {
      assert.equal(child.exitCode, null, said);
      return said.includes("sandbox_broker_ready");
    });
  }

  /** Its exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals): Promise<number | string | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = new Promise<number | string | null>((resolve) =>
      child.once("exit", (code, name) => resolve(code ?? name)),
    );
    child.kill(signal);
    return ended;
  }
}

const problem = engineProblem();

describe("the back end broker", function () {
  this.timeout(120_000);
  if (problem !== undefined) {
    it("is not tested here", () => {
      process.stdout.write(`      not tested here: ${problem}\n`);
    });
    return;
  }
  const engine = new DockerEngine();
  const broker = new Broker(engine);
  const reachable = passable(import.meta.dirname) && passable(dirname(process.execPath));
  const uid = reachable ? WORKER_UID : undefined;
  let runner: SandboxRunner;
  const newRunner = () => new SandboxRunner({ helper: "", backEnd: "broker", broker: broker.socket }, uid);
  before(async () => {
    await engine.start();
    engine.programsImage(IMAGE, PROGRAMS);
    await broker.start();
    runner = newRunner();
  });
  after(async () => {
    await runner?.stop();
    await broker.stop("SIGTERM");
    await engine.stop();
    rmSync(broker.folder, { recursive: true, force: true });
  });

  const containers = () => engine.run("ps", "--all", "--quiet").split("\n").filter(Boolean);
  const run = (command: readonly string[], more: object = {}) =>
    runner.run({ command, untrusted: true, ...more });
  const perl = (script: string, more: object = {}) => run(["perl", "-e", script], more);

  it("is there, for a worker without Docker", async () => {
    assert.deepEqual(await runner.hello, { backEnd: "broker", unenforced: [], oneAtATime: false });
  });

  it("gives the program its bytes and variables, keeps what it prints and leaves nothing", async () => {
    const script = "cat; echo aside >&2; echo kept >file; cat file; env; id -u";
    const { output } = await run(["sh", "-c", script], {
      stdin: "given\n",
      environment: { GIVEN: "--privileged" },
    });
    const [first, second, ...rest] = output?.stdout.trim().split("\n") ?? [];
    assert.deepEqual([first, second, rest.at(-1), output?.stderr], ["given", "kept", "65532", "aside\n"]);
    const names = rest.slice(0, -1).map((line) => line.split("=")[0]);
    assert.deepEqual(names.sort(), ["GIVEN", "HOME", "HOSTNAME", "LANG", "LC_ALL", "PATH", "PWD", "TMPDIR"]);
    assert.deepEqual(containers(), []);
  });

  it("tells a program that is not there from one that failed", async () => {
    const missing = await run(["--privileged"]);
    assert.match(missing.message ?? "", /"--privileged" is not installed on the worker/);
    const failed = await run(["sh", "-c", "echo half; exit 3"]);
    assert.deepEqual(
      [failed.reason, failed.failedOutput?.exitCode, failed.failedOutput?.stdout],
      ["exit", 3, "half\n"],
    );
  });

  it("gives no network, no other place to write and no more than its disk", async () => {
    assert.match((await perl(CONNECT)).failedOutput?.stderr ?? "", /connect: Network is unreachable/);
    for (const path of ["/file", "/tmp/file", "/dev/shm/file", "/etc/passwd"])
      assert.equal((await run(["sh", "-c", `echo x >>${path}`])).reason, "exit", path);
    const full = await run(["sh", "-c", "head -c 2000000 /dev/zero >f"], { diskBytes: MIB });
    assert.match(full.failedOutput?.stderr ?? "", /No space left on device/);
  });

  it("ends what uses too much, with the reason", async () => {
    const reasons = await Promise.all([
      perl(MEMORY_HOG, { memoryBytes: 64 * MIB }),
      perl(FORK_BOMB, { processes: 32 }),
      run(["sh", "-c", "while :; do :; done"], { cpuMs: 300 }),
      run(["sleep", "600"], { timeoutMs: 300 }),
      run(["yes"], { maxOutputBytes: 10_000 }),
    ]);
    assert.deepEqual(
      reasons.map(({ reason }) => reason),
      ["memory", "processes", "cpu", "timeout", "output"],
    );
    const loud = reasons[4]?.failedOutput;
    assert.deepEqual([loud?.stdout.length, loud?.truncated], [10_000, true]);
    assert.deepEqual(containers(), []);
  });

  it("removes the container of a cancelled task", async () => {
    const { answer, abort } = runner.start({ command: ["sleep", "600"], untrusted: true });
    await waitFor("the container", () => containers().length === 1);
    abort("cancelled");
    assert.equal((await answer).reason, "cancelled");
    assert.deepEqual(containers(), []);
  });

  it("removes the container when the worker is killed", async () => {
    const other = newRunner();
    try {
      await other.hello;
      void other.start({ command: ["sleep", "600"], untrusted: true }).answer;
      await waitFor("the container", () => engine.run("ps", "--quiet") !== "");
      other.kill();
      await waitFor("its end", () => containers().length === 0);
    } finally {
      await other.stop();
    }
  });

  it("serves a confined worker", async () => {
    const helper = sharedHelper();
    if (helper === "") {
      process.stdout.write("      not tested here: a confined worker: the sandbox's helper is not built\n");
      return;
    }
    const confined = new SandboxRunner({ helper, backEnd: "broker", broker: broker.socket }, uid, true);
    try {
      const { output } = await confined.run({ command: ["sh", "-c", "echo inside"], untrusted: true });
      assert.equal(output?.stdout, "inside\n");
    } finally {
      await confined.stop();
    }
  });

  it("answers what is no request with what is wrong, and runs nothing", async () => {
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(broker.socket, () => socket.write('{"version":1,"privileged":true}\n'));
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.once("close", () => resolve(text));
    });
    assert.match(answer, /"step":"request".*"privileged\\" is no field of it/);
  });

  it("lets running programs end at SIGTERM, and refuses further ones", async () => {
    const { answer } = runner.start({ command: ["sh", "-c", "cat; sleep 2; echo end"], untrusted: true });
    await waitFor("the container", () => engine.run("ps", "--quiet") !== "");
    const stopped = broker.stop("SIGTERM");
    assert.equal((await answer).output?.stdout, "end\n");
    assert.equal(await stopped, 0);
    assert.match((await run(["id"])).message ?? "", /the sandbox failed at "broker": connect ENOENT/);
  });

  it("removes what a killed broker left, at the next one's start", async () => {
    await broker.start({ TASKFLEET_BROKER_CONTAINERS: "1" });
    const { answer } = runner.start({ command: ["sleep", "600"], untrusted: true });
    await waitFor("the container", () => engine.run("ps", "--quiet") !== "");
    await broker.stop("SIGKILL");
    assert.match((await answer).message ?? "", /the sandbox failed at "broker"/);
    assert.equal(containers().length, 1);
    await broker.start({ TASKFLEET_BROKER_CONTAINERS: "1" });
    assert.deepEqual(containers(), []);
  });

  it("runs no more containers at once than it is told", async () => {
    const both = [1, 2].map(() => run(["sh", "-c", "echo x >/scratch/f; sleep 1"]));
    let most = 0;
    let ended = false;
    const all = Promise.all(both).finally(() => {
      ended = true;
    });
    await waitFor("their end", () => {
      most = Math.max(most, containers().length);
      return ended;
    });
    assert.deepEqual([most, (await all).map(({ output }) => output?.exitCode)], [1, [0, 0]]);
  });

  it("runs programs in gVisor where Docker has it", async () => {
    if (engine.gvisor === undefined) {
      process.stdout.write("      not tested here: gVisor: runsc is not installed\n");
      return;
    }
    await broker.stop("SIGTERM");
    await broker.start({ TASKFLEET_BROKER_RUNTIME: "runsc" });
    const { output } = await run(["sh", "-c", "cat /proc/version; cat"], { stdin: "given\n" });
    assert.match(output?.stdout ?? "", /^Linux version 4\.4\.0.*\ngiven\n$/s);
    const missing = await run(["no-such-program"]);
    assert.match(missing.message ?? "", /"no-such-program" is not installed on the worker/);
    assert.match((await perl(CONNECT)).failedOutput?.stderr ?? "", /connect: /);
    const slow = await run(["sleep", "600"], { timeoutMs: 300 });
    const busy = await run(["sh", "-c", "while :; do :; done"], { cpuMs: 1000 });
    const hog = await perl(MEMORY_HOG, { memoryBytes: 128 * MIB });
    assert.deepEqual([slow.reason, busy.reason, hog.reason], ["timeout", "cpu", "memory"]);
    assert.deepEqual(containers(), []);
  });
});

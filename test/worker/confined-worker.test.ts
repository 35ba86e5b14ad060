import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeControls } from "../../worker/contract/controls.ts";
import { namespaceOf, parseRunFile, runFileName } from "../../worker/contract/run-file.ts";
import { findHierarchies } from "../../worker/src/adapters/cgroups/hierarchies.ts";
import { fleetGroupName, removeWorkerGroup } from "../../worker/src/adapters/cgroups/worker-group.ts";
import { ProcessActuator } from "../../worker/src/adapters/processes/process-actuator.ts";
import { identify, signalProcess } from "../../worker/src/adapters/processes/process-identity.ts";
import { RunDirectory } from "../../worker/src/adapters/processes/run-directory.ts";
import type { ExecuteOutput } from "../../worker/src/handlers/execute.ts";
import { type OpenCopy, openCopy } from "../support/open-copy.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./support/fleet.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

const isRoot = process.getuid?.() === 0;
/** Nobody on Debian, and no user of anything else in these tests. */
const STRANGER = 65_534;
const WORKER = 65_532;

/** Lines of `/proc/<pid>/status` by name. */
function statusOf(pid: number): Readonly<Record<string, string>> {
  const lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":").map((part) => part.trim())));
}

const four = (id: number) => [id, id, id, id].join("\t");
const NO_CAPABILITIES = "0".repeat(16);
/** Of a confined worker, whoever it is. */
const CONFINED = {
  CapInh: NO_CAPABILITIES,
  CapPrm: NO_CAPABILITIES,
  CapEff: NO_CAPABILITIES,
  CapBnd: NO_CAPABILITIES,
  CapAmb: NO_CAPABILITIES,
  NoNewPrivs: "1",
  Seccomp: "2",
};

/** So long sleeps nobody else, nor an earlier run's daemon. */
const daemonSeconds = (which: number) => process.pid * 10 + which;

const pick = (found: Readonly<Record<string, string>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, found[name]]));

describe("a confined worker", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  let copy: OpenCopy;
  /** Of root alone, as a checkout in root's home is. */
  let folder: string;
  before(async () => {
    [server, copy] = await Promise.all([startRedis(), openCopy()]);
  });
  after(async () => {
    copy.remove();
    await server.stop();
  });
  beforeEach(() => {
    fleet = new TestFleet(server);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-closed-"));
  });
  afterEach(async () => {
    await fleet.close();
    // As the next spawner would; what a test left running ends here.
    for (const file of await new RunDirectory(run()).read()) {
      const namespace = namespaceOf(file);
      if (namespace !== null) signalProcess(namespace, "SIGKILL");
      await removeWorkerGroup(run(), file.worker_id);
    }
    rmSync(folder, { recursive: true });
  });

  const run = () => join(folder, "run");
  const runFile = ({ id }: WorkerProcess) => {
    const file = parseRunFile(readFileSync(join(run(), runFileName(id)), "utf8"));
    assert.ok(file !== null);
    return file;
  };

  /** A supervisor that confines its worker, once that one reads tasks. */
  async function start(
    environment: Readonly<Record<string, string>> = {},
    uid?: number,
  ): Promise<WorkerProcess> {
    const settings = {
      TASKFLEET_CONFINE: "on",
      TASKFLEET_RUN_DIRECTORY: run(),
      TASKFLEET_HANDLERS: "",
      TASKFLEET_SANDBOX_HELPER: copy.helper,
      // Starting is most of what the tests wait for.
      TASKFLEET_CPU: "2",
      ...environment,
    };
    if (uid !== undefined) {
      chownSync(folder, uid, uid);
      Object.assign(settings, { TMPDIR: folder, HOME: folder });
    }
    const user = { node: copy.node, ...(uid === undefined ? {} : { uid }) };
    const worker = await fleet.worker(settings, "supervise", copy.main, user).ready();
    await waitFor("its run file", () => existsSync(join(run(), runFileName(worker.id))));
    return worker;
  }

  const report = () => waitFor("the report", async () => (await fleet.queue.workers.list())[0]);

  /** Runs a shell script as a task and returns what it printed, by lines. */
  async function shell(script: string): Promise<readonly string[]> {
    const { output } = await fleet.result(await fleet.push("execute", { command: ["sh", "-c", script] }));
    return (output as ExecuteOutput).stdout.trimEnd().split("\n");
  }

  /** The groups of this test's fleet, by their paths below the hierarchies' tops. */
  function groups(): readonly string[] {
    const name = fleetGroupName(run());
    const tops = findHierarchies().flatMap(({ parents }) => parents.map((parent) => join(parent, name)));
    return tops.filter(existsSync).flatMap((top) => readdirSync(top, { recursive: true }).map(String));
  }

  /** Words of the programs that run on this machine, also of those that a test left behind. */
  function programs(word: string): readonly number[] {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word) && identify(pid) !== null;
      } catch {
        return false;
      }
    });
  }

  /** Leaves a program behind that is in no group of the worker's: a session of its own, with a parent that ended. */
  async function leaveDaemon(seconds: number): Promise<number> {
    await shell(
      `setsid sh -c ': > left; sleep ${seconds} & sleep ${seconds}' > /dev/null 2>&1 < /dev/null & ` +
        "until test -e left; do sleep 0.01; done",
    );
    return waitFor("the daemon", () => programs(`sleep\0${seconds}`)[0]);
  }

  describe("that root starts", () => {
    before(function () {
      if (isRoot && copy.helper !== "") return;
      console.log("      skipped: needs root, and the sandbox's helper");
      this.skip();
    });

    it("is another user without rights, under a filter and in a limited group, as the kernel says", async () => {
      const worker = await start();
      const pid = Number(runFile(worker).worker_pid);
      const ids = { Uid: four(WORKER), Gid: four(WORKER), Groups: "" };
      const expected = { ...ids, ...CONFINED };
      assert.deepEqual(pick(statusOf(pid), Object.keys(expected)), expected);
      const own = readFileSync(`/proc/${pid}/cgroup`, "utf8");
      const place = `/${fleetGroupName(run())}/${worker.id}/worker`;
      const limits = findHierarchies().flatMap(({ version, controllers, parents }) => {
        const line =
          version === 2 ? `0::${place}` : new RegExp(`^\\d+:(.*,)?${controllers[0]}(,.*)?:${place}$`, "m");
        assert.match(own, typeof line === "string" ? new RegExp(`^${line}$`, "m") : line);
        const files = ["memory.limit_in_bytes", "memory.max", "pids.max", "cpu.cfs_quota_us", "cpu.max"];
        const folders = [join(parents[0] ?? "", place), join(parents[0] ?? "", place, "..")];
        const paths = files.flatMap((file) => folders.map((each) => join(each, file))).filter(existsSync);
        return paths.map((path) => readFileSync(path, "utf8").trim().split(" ")[0]);
      });
      // Its own, and what it and the programs in its four slots may use together: 4 x 128, 4 x 1 GiB.
      const together = ["768", "4831838208", limits.includes("max") ? "max" : "-1"];
      assert.deepEqual(limits.toSorted(), ["200000", "256", "536870912", ...together].toSorted());
      for (const kind of ["pid", "ipc", "uts", "mnt"])
        assert.notEqual(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind);
    });

    it("gives each sandboxed program a group of its own, beside the worker's", async () => {
      const worker = await start();
      assert.equal((await worker.logged("sandbox_ready")).cgroups, true);
      const task = await fleet.push("execute", { command: ["true"], untrusted: true });
      assert.equal((await fleet.result(task)).status, "success");
      assert.ok(!groups().some((path) => path.includes("taskfleet-")));
    });

    it("says so in its report, with the pid that others know it by", async () => {
      const worker = await start();
      const found = await report();
      assert.equal(found.pid, runFile(worker).worker_pid);
      assert.ok(found.controls !== undefined);
      assert.equal(
        describeControls(found.controls),
        "uid 65532, read-only root, no new privileges, no capabilities, seccomp, 256 processes, 512 MiB, 2 CPU",
      );
    });

    it("writes to its temporary folder and nowhere else, and neither do its programs", async () => {
      await start();
      const places = [
        "/etc",
        "/var/tmp",
        "/run",
        "/root",
        folder,
        copy.folder,
        run(),
        process.cwd(),
        "/dev",
        "/sys/fs/cgroup",
      ];
      const tries = places.map((place) => `(: > "${place}/x") 2> /dev/null && echo "${place}"`);
      assert.deepEqual(await shell([...tries, ": > /tmp/x && echo /tmp", "id -u"].join("; ")), [
        "/tmp",
        "65532",
      ]);
      assert.equal(existsSync(join(tmpdir(), "x")), false);
    });

    it("sees no processes, files and secrets of others", async () => {
      const secrets = join(folder, "secrets");
      mkdirSync(secrets);
      writeFileSync(join(secrets, "key"), "k");
      const file = join(folder, "passphrase");
      writeFileSync(file, "p", { mode: 0o644 });
      await start({ TASKFLEET_HIDDEN_PATHS: `${secrets},${file}` });
      const seen = await shell(
        `ls /tmp | grep -v execute; ls -A ${secrets}; cat ${file}; set -- /proc/[0-9]*; echo $#; kill -0 ${process.pid} || echo unseen`,
      );
      // The namespace's first process, the worker and the shell.
      assert.deepEqual(seen.slice(-2), ["3", "unseen"]);
      assert.equal(
        seen.some((line) => line === "p" || line === "key"),
        false,
      );
    });

    it("has its password from a descriptor, that no program of it can read again", async () => {
      const password = ["pass", "word", process.pid].join("-");
      const file = join(folder, "redis-password");
      writeFileSync(file, password, { mode: 0o600 });
      // Connections that are there already stay as they are.
      await fleet.push("execute", { command: ["true"] });
      // Queues refuse a payload with the password in it: it is looked for by a pattern.
      const pattern = password.replace("p", "[p]");
      await server.client.config("SET", "requirepass", password);
      try {
        const worker = await start({ REDIS_PASSWORD_FILE: file });
        const pid = Number(runFile(worker).worker_pid);
        for (const name of ["environ", "cmdline"])
          assert.equal(readFileSync(`/proc/${pid}/${name}`, "latin1").includes(password), false, name);
        const found = await shell(
          `cat ${file} /proc/[0-9]*/environ /dev/fd/4 /proc/2/fd/4 2> /dev/null | tr '\\0' '\\n' | grep -c "${pattern}"; id -u`,
        );
        assert.deepEqual(found, ["0", "65532"]);
      } finally {
        await server.client.config("SET", "requirepass", "");
      }
    });

    it("loads handlers from a folder that only root may enter, with what they import", async () => {
      const app = join(folder, "app");
      mkdirSync(join(app, "handlers"), { recursive: true });
      writeFileSync(join(app, "package.json"), '{"type": "module"}');
      writeFileSync(join(app, "words.ts"), "export const word = 'hello';");
      writeFileSync(
        join(app, "handlers", "greet.ts"),
        `import { defineHandler, Type } from "@taskfleet/worker/handler";
         import { word } from "../words.ts";
         export default defineHandler({ kind: "greet", version: "1.0.0", description: "Greets.",
           payload: Type.Object({}), run: async () => word + " from " + process.getuid() });`,
      );
      await start({ TASKFLEET_HANDLERS: join(app, "handlers") });
      assert.equal((await fleet.result(await fleet.push("greet"))).output, "hello from 65532");
    });

    it("leaves nothing behind when it is killed: programs, folders, groups", async () => {
      const worker = await start({ TMPDIR: folder });
      const daemon = await leaveDaemon(daemonSeconds(1));
      process.kill(Number(runFile(worker).worker_pid), "SIGKILL");
      assert.equal(await worker.ended(), 1);
      assert.deepEqual([identify(daemon), programs(`sleep\0${daemonSeconds(1)}`)], [null, []]);
      assert.deepEqual([groups(), readdirSync(folder)], [[], ["run"]]);
    });

    it("leaves nothing running when its supervisor is killed, too; the spawner removes its group", async () => {
      const worker = await start();
      const daemon = await leaveDaemon(daemonSeconds(2));
      const pid = Number(runFile(worker).worker_pid);
      worker.signal("SIGKILL");
      process.kill(pid, "SIGKILL");
      await worker.ended();
      await waitFor("its end", () => identify(pid) === null);
      assert.notDeepEqual(groups(), []);
      const spawner = new ProcessActuator({
        ...{ runDirectory: run(), logDirectory: folder, main: copy.main, env: {}, revision: "" },
      });
      assert.deepEqual(await spawner.reap(async () => {}), [worker.id]);
      await waitFor("the daemon's end", () => identify(daemon) === null);
      assert.deepEqual(groups(), []);
    });

    it("ends after its task when it is asked to", async () => {
      const worker = await start();
      const id = await fleet.push("execute", { command: ["sh", "-c", "sleep 0.5; echo done"] });
      await worker.logged("run_dispatched");
      worker.signal("SIGTERM");
      assert.equal(await worker.ended(), 0);
      assert.equal(((await fleet.result(id)).output as ExecuteOutput).stdout, "done\n");
      assert.deepEqual(groups(), []);
    });
  });

  const LOST =
    "lost: uid 65532 (workers run as uid 65534, and only root can take another), 256 processes (no control group: " +
    "not root), 512 MiB (no control group: not root), 2 CPU (no control group: not root)";
  const controls = async () => {
    const found = (await report()).controls;
    assert.ok(found !== undefined);
    return found;
  };

  describe("that an ordinary user starts", () => {
    before(function () {
      const probe = ["--unshare-user", "--ro-bind", "/", "/", "true"];
      const namespaces = isRoot && spawnSync("bwrap", probe, { uid: STRANGER, gid: STRANGER }).status === 0;
      if (namespaces && copy.helper !== "") return;
      console.log("      skipped: needs root to become that user, user namespaces and the sandbox's helper");
      this.skip();
    });

    it("is that user in namespaces of its own, and says what it lacks", async () => {
      const worker = await start({}, STRANGER);
      const pid = Number(runFile(worker).worker_pid);
      const expected = { Uid: four(STRANGER), Gid: four(STRANGER), ...CONFINED };
      assert.deepEqual(pick(statusOf(pid), Object.keys(expected)), expected);
      for (const kind of ["user", "pid", "ipc", "uts", "mnt"])
        assert.notEqual(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind);
      assert.equal(readlinkSync(`/proc/${pid}/ns/net`), readlinkSync("/proc/self/ns/net"));
      assert.equal(
        describeControls(await controls()),
        `read-only root, no new privileges, no capabilities, seccomp; ${LOST}`,
      );
    });

    it("writes to its temporary folder alone, and reaches no process of that user", async () => {
      const neighbour = spawn("sleep", ["60"], { uid: STRANGER, gid: STRANGER, stdio: "ignore" });
      try {
        await start({}, STRANGER);
        const tries = [folder, run(), copy.folder, "/var/tmp", "/etc"].map(
          (place) => `(: > "${place}/x") 2> /dev/null && echo "${place}"`,
        );
        const last = [`kill ${neighbour.pid} 2> /dev/null || echo unreached`, "id -u"];
        // Its TMPDIR is the test's folder: that is where its own stands.
        assert.deepEqual(await shell([...tries, ...last].join("; ")), [folder, "unreached", "65532"]);
        assert.equal(existsSync(join(folder, "x")), false);
      } finally {
        neighbour.kill("SIGKILL");
      }
    });

    it("leaves nothing running when it is killed", async () => {
      const worker = await start({}, STRANGER);
      await leaveDaemon(daemonSeconds(3));
      process.kill(Number(runFile(worker).worker_pid), "SIGKILL");
      assert.equal(await worker.ended(), 1);
      await waitFor("the daemon's end", () => programs(`sleep\0${daemonSeconds(3)}`).length === 0);
      assert.deepEqual(readdirSync(folder), ["run"]);
    });

    it("is guarded by Landlock where there are no namespaces", async () => {
      const tools = join(folder, "tools");
      mkdirSync(tools);
      for (const name of ["sh", "setpriv", "true", "id", "sleep"])
        symlinkSync(`/usr/bin/${name}`, join(tools, name));
      const worker = await start({ PATH: tools }, STRANGER);
      const { enforced } = await controls();
      assert.deepEqual(
        enforced.map(({ name, by }) => `${name} ${by}`),
        [
          ...["readOnlyRoot Landlock", "noNewPrivileges setpriv", "dropCapabilities setpriv"],
          "seccomp taskfleet-sandbox",
        ],
      );
      const { NoNewPrivs, Seccomp, CapEff } = statusOf(Number(runFile(worker).worker_pid));
      assert.deepEqual([NoNewPrivs, Seccomp, CapEff], ["1", "2", NO_CAPABILITIES]);
      const tries = [folder, run(), "/var/tmp", "$TMPDIR"].map(
        (place) => `(: > "${place}/x") 2> /dev/null && echo ${place}`,
      );
      const [only = "", ...others] = await shell(tries.join("; "));
      assert.ok(only.startsWith(join(folder, "taskfleet-worker-")), only);
      assert.deepEqual(others, []);
    });
  });
});

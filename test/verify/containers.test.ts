import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATHS } from "../../components/paths.ts";
import { DockerEngine, engineProblem } from "../support/docker-engine.ts";
import { busybox, busyboxImage } from "./image.ts";

const MAIN = join(PATHS.root, "components/cli/main.ts");
const SCRIPT = join(PATHS.root, "infra/examples/verify-nonroot.sh");
const IMAGE = `verify-test-${process.pid}`;

/** Each control, as `docker run` says it. */
const SOUND = {
  uid: ["--user", "65532:65532"],
  readOnlyRoot: ["--read-only"],
  capabilities: ["--cap-drop", "ALL"],
  noNewPrivileges: ["--security-opt", "no-new-privileges:true"],
  seccomp: [] as string[],
  pids: ["--pids-limit", "64"],
  memory: ["--memory", "64m", "--memory-swap", "64m"],
  network: ["--network", "none"],
  more: ["--tmpfs", "/tmp:mode=1777"],
};
type Control = keyof typeof SOUND;

interface Broken {
  readonly what: string;
  readonly change: Partial<Record<Control, readonly string[]>>;
  /** What is named, and what is found of it. */
  readonly named: Readonly<Record<string, string>>;
}

interface Shown {
  readonly state: string;
  readonly found: string;
}

describe("verify, on real containers", function () {
  this.timeout(180_000);
  const engine = new DockerEngine({ running: process.env.TASKFLEET_TEST_ENGINE ?? "" });
  let projects = 0;
  let hasImage = false;
  let project: string;

  before(async function () {
    const running = process.env.TASKFLEET_TEST_ENGINE ?? "";
    const program = busybox();
    const problem =
      engineProblem({ running }) ??
      (process.getuid?.() === 0 ? undefined : "only root may look at others' namespaces") ??
      (program === undefined ? "not installed: busybox-static" : undefined);
    if (problem !== undefined || program === undefined) {
      process.stdout.write(`      not tested here: real containers: ${problem}\n`);
      return this.skip();
    }
    await engine.start();
    busyboxImage(engine, IMAGE, program);
    hasImage = true;
  });
  after(async () => {
    if (hasImage) engine.run("rmi", "--force", IMAGE);
    await engine.stop();
  });
  beforeEach(() => {
    projects += 1;
    project = `${IMAGE}-${projects}`;
  });
  afterEach(() => {
    const ids = engine.run("ps", "-aq", "--filter", `label=com.docker.compose.project=${project}`);
    const found = ids.split("\n").filter((id) => id !== "");
    if (found.length > 0) engine.run("rm", "--force", "--volumes", ...found);
  });

  /** Starts a container of the project; its name is the service's. */
  function start(service: string, change: Broken["change"] = {}): void {
    const labels = [`project=${project}`, `service=${service}`];
    const words = labels.flatMap((label) => ["--label", `com.docker.compose.${label}`]);
    const confined = Object.values({ ...SOUND, ...change }).flat();
    engine.run(
      "run",
      "--detach",
      "--name",
      `${project}-${service}`,
      ...words,
      ...confined,
      IMAGE,
      "sleep",
      "600",
    );
  }
  const run = (...words: readonly string[]) => {
    const env = { ...process.env, ...engine.environment, HOME: process.env.HOME };
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
      env,
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  };
  const verify = () => {
    const { status, stdout, stderr } = run("verify", "--project", project, "--json");
    assert.notEqual(stdout, "", stderr);
    const { ok, subjects } = JSON.parse(stdout) as {
      ok: boolean;
      subjects: readonly { readonly name: string; readonly controls: Record<string, Shown> }[];
    };
    const bad = subjects.flatMap(({ name, controls }) =>
      Object.entries(controls)
        .filter(([, { state }]) => state === "failed" || state === "unknown")
        .map(([control, { found }]) => [name.slice(project.length + 1), control, found] as const),
    );
    return { status, ok, subjects, bad };
  };

  it("passes what is confined in every way, and has tried it", () => {
    start("worker");
    start("spawner");
    const { status, ok, subjects, bad } = verify();
    assert.deepEqual([status, ok, bad], [0, true, []]);
    const found = Object.entries(subjects[0]?.controls ?? {}).map(([control, { found }]) => [control, found]);
    assert.deepEqual(Object.fromEntries(found), {
      uid: "65532",
      capabilities: "none",
      noNewPrivileges: "yes",
      seccomp: "filter",
      readOnlyRoot: "yes",
      pids: "64",
      memory: "64 MiB",
      namespaces: "own",
      engineSocket: "none",
      privileged: "no",
      attempts: "4 refused",
    });
  });

  const cases: readonly Broken[] = [
    { what: "root", change: { uid: ["--user", "0:0"] }, named: { uid: "uid 0" } },
    { what: "a writable root", change: { readOnlyRoot: [] }, named: { readOnlyRoot: "writable" } },
    {
      what: "capabilities within reach",
      change: { capabilities: [] },
      named: { capabilities: "CapBnd 00000000a80425fb" },
    },
    {
      what: "new privileges",
      change: { noNewPrivileges: [] },
      named: { noNewPrivileges: "NoNewPrivs 0" },
    },
    {
      what: "no filter of system calls",
      change: { seccomp: ["--security-opt", "seccomp=unconfined"] },
      named: { seccomp: "Seccomp 0" },
    },
    { what: "no limit of processes", change: { pids: [] }, named: { pids: "no limit" } },
    { what: "no limit of memory", change: { memory: [] }, named: { memory: "no limit" } },
    {
      what: "the host's processes",
      change: { more: ["--tmpfs", "/tmp", "--pid", "host"] },
      named: { namespaces: "host's pid" },
    },
    {
      what: "the host's memory segments",
      change: { more: ["--tmpfs", "/tmp", "--ipc", "host"] },
      named: { namespaces: "host's ipc" },
    },
    {
      what: "the host's name",
      change: { more: ["--tmpfs", "/tmp", "--uts", "host"] },
      named: { namespaces: "host's uts" },
    },
    {
      what: "the host's network",
      change: { network: ["--network", "host"] },
      named: { namespaces: "host's net" },
    },
    {
      what: "privileges, and all that comes with them",
      change: { more: ["--tmpfs", "/tmp", "--privileged"] },
      named: { capabilities: "CapBnd", seccomp: "Seccomp 0", privileged: "yes" },
    },
  ];
  for (const { what, change, named } of cases)
    it(`names ${what}, and nothing else`, () => {
      start("sound");
      start("broken", change);
      const { status, ok, bad } = verify();
      assert.deepEqual([status, ok], [1, false]);
      const expected = Object.entries(named).map(([control, found]) => ["broken", control, found]);
      const found = bad.map(([name, control, text]) => [
        name,
        control,
        control in named && text.startsWith(named[control] ?? "") ? named[control] : text,
      ]);
      assert.deepEqual(found, expected);
    });

  it("names the engine's socket, but in the watcher", () => {
    const socket = engine.host.slice("unix://".length);
    const mount = ["--tmpfs", "/tmp", "--volume", `${socket}:/var/run/docker.sock`];
    start("watch-queue", { more: mount });
    assert.deepEqual(verify().bad, []);
    start("worker", { more: mount });
    assert.deepEqual(verify().bad, [["worker", "engineSocket", socket]]);
  });

  it("judges programs that somebody started in a container beside its own", () => {
    start("worker");
    engine.run("exec", "--detach", "--user", "0", `${project}-worker`, "sleep", "600");
    const { bad } = verify();
    assert.deepEqual(bad, [["worker", "uid", "uid 0"]]);
  });

  it("says it in a table and a line, by both names, and ends with 1", () => {
    start("worker", { readOnlyRoot: [] });
    for (const name of ["verify", "verify-nonroot"]) {
      const { status, stdout } = run(name, "--project", project);
      assert.equal(status, 1);
      assert.match(
        stdout,
        new RegExp(`^${project}-worker +65532 +none +yes +filter +FAILED: writable +64 +64 MiB `, "m"),
      );
      assert.match(
        stdout,
        new RegExp(`^${project}-worker: read-only root: failed: its root is mounted writable$`, "m"),
      );
    }
  });

  it("ends with 1 and a line when nothing runs, and with 2 for wrong words", () => {
    const idle = run("verify", "--project", project);
    assert.deepEqual(
      [idle.status, idle.stdout, idle.stderr.split(":").slice(0, 2).join(":")],
      [1, "", `taskfleet: no container of the Compose project ${project} runs`],
    );
    assert.equal(run("verify", "--projects", project).status, 2);
    const away = spawnSync(process.execPath, [MAIN, "verify", "--project", project], {
      env: { ...process.env, ...engine.environment, DOCKER_HOST: "unix:///nowhere/docker.sock" },
      encoding: "utf8",
    });
    assert.deepEqual([away.status, away.stdout], [1, ""]);
    assert.match(away.stderr, /^taskfleet: cannot reach the container engine of this machine: .*\n$/);
  });

  describe("the script of the examples, without the project", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "taskfleet-script-"));
      mkdirSync(join(folder, "bin"));
      copyFileSync(SCRIPT, join(folder, "verify-nonroot.sh"));
      for (const name of ["sh", "sed", "grep", "awk", "cat", "dirname", "docker", "id"])
        symlinkSync(
          execFileSync("sh", ["-c", `command -v ${name}`], {
            env: engine.environment,
            encoding: "utf8",
          }).trim(),
          join(folder, "bin", name),
        );
    });
    afterEach(() => rmSync(folder, { recursive: true }));
    const script = (...words: readonly string[]) =>
      spawnSync("sh", [join(folder, "verify-nonroot.sh"), ...words], {
        env: { ...engine.environment, PATH: join(folder, "bin") },
        encoding: "utf8",
      });

    it("passes what is confined", () => {
      start("worker");
      const { status, stdout } = script(project);
      assert.deepEqual([status, stdout], [0, `ok     ${project}-worker\n`]);
    });

    it("names what is not", () => {
      start("worker", {
        uid: [],
        readOnlyRoot: [],
        capabilities: [],
        noNewPrivileges: [],
        seccomp: ["--security-opt", "seccomp=unconfined"],
        pids: [],
        memory: [],
      });
      const { status, stdout } = script(project);
      assert.equal(status, 1);
      assert.equal(
        stdout,
        `FAILED ${project}-worker: uid 0, capabilities, new privileges, no seccomp filter, writable root, no limit of processes, no limit of memory\n`,
      );
    });

    it("ends with 1 when nothing runs", () => {
      const { status, stderr } = script(project);
      assert.deepEqual([status, stderr], [1, `no container of the Compose project ${project} runs\n`]);
    });
  });
});

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlGroup } from "../../worker/src/adapters/cgroups/control-group.ts";
import { findHierarchies, parseHierarchies } from "../../worker/src/adapters/cgroups/hierarchies.ts";
import { limitFiles } from "../../worker/src/adapters/cgroups/limit-files.ts";
import { identify } from "../../worker/src/adapters/processes/process-identity.ts";
import { waitFor } from "../support/wait.ts";

const HYBRID = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;

describe("control group hierarchies", () => {
  it("of version 1 are one per mount, with the top and this process's own group as parents", () => {
    const own = "5:memory:/user.slice/a b\n3:cpu,cpuacct:/\n1:name=systemd:/x\n0::/user.slice\n";
    assert.deepEqual(
      parseHierarchies(HYBRID, own, () => "hugetlb\n"),
      [
        { version: 1, controllers: ["cpu"], parents: ["/sys/fs/cgroup/cpu,cpuacct"] },
        {
          version: 1,
          controllers: ["memory"],
          parents: ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/user.slice/a b"],
        },
      ],
    );
  });

  it("of version 2 are one, with the controllers that it offers", () => {
    const mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    assert.deepEqual(
      parseHierarchies(mount, "0::/system.slice/taskfleet.service\n", () => "cpuset cpu io memory pids\n"),
      [
        {
          version: 2,
          controllers: ["memory", "pids", "cpu"],
          parents: ["/sys/fs/cgroup", "/sys/fs/cgroup/system.slice/taskfleet.service"],
        },
      ],
    );
  });

  it("of a container start at its own group", () => {
    const mount = "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup ro\n";
    const [inside] = parseHierarchies(mount, "0::/docker/abc/worker\n", () => "pids");
    assert.deepEqual(inside?.parents, ["/sys/fs/cgroup", "/sys/fs/cgroup/worker"]);
    const [elsewhere] = parseHierarchies(mount, "0::/other\n", () => "pids");
    assert.deepEqual(elsewhere?.parents, ["/sys/fs/cgroup"]);
  });

  it("are none where nothing is mounted", () => {
    assert.deepEqual(
      parseHierarchies("", "", () => ""),
      [],
    );
  });
});

describe("a control group's limits", () => {
  const limits = { memory: 536_870_912, pids: 256, cpu: 0.5 };

  it("are these files of version 1", () => {
    assert.deepEqual(limitFiles(1, ["memory", "pids", "cpu"], limits), [
      { name: "memory.limit_in_bytes", value: "536870912" },
      { name: "memory.memsw.limit_in_bytes", value: "536870912", optional: true },
      { name: "pids.max", value: "256" },
      { name: "cpu.cfs_period_us", value: "100000" },
      { name: "cpu.cfs_quota_us", value: "50000" },
    ]);
  });

  it("are these files of version 2", () => {
    assert.deepEqual(limitFiles(2, ["memory", "pids", "cpu"], limits), [
      { name: "memory.max", value: "536870912" },
      { name: "memory.swap.max", value: "0", optional: true },
      { name: "pids.max", value: "256" },
      { name: "cpu.max", value: "50000 100000" },
    ]);
  });

  it("are those of the folder's controllers alone", () => {
    assert.deepEqual(limitFiles(1, ["pids"], limits), [{ name: "pids.max", value: "256" }]);
    assert.deepEqual(limitFiles(2, ["memory", "pids", "cpu"], { cpu: 2 }), [
      { name: "cpu.max", value: "200000 100000" },
    ]);
  });
});

/** A folder with the files that a version 2 group has; the kernel's part is played by nobody. */
function imitate(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ["cgroup.controllers", "cgroup.subtree_control", "cgroup.procs"])
    writeFileSync(join(folder, name), "");
}

describe("a control group of version 2", () => {
  let top: string;
  const text = (...path: readonly string[]) => readFileSync(join(top, ...path), "utf8");
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), "taskfleet-cgroup-"));
    imitate(top);
    imitate(join(top, "g"));
  });
  afterEach(() => rmSync(top, { recursive: true }));

  const hierarchy = () => ({ version: 2, controllers: ["memory", "pids"], parents: [top] }) as const;

  it("has its controllers enabled by every group above it, and no other", () => {
    const group = ControlGroup.make([hierarchy()], "g");
    assert.deepEqual(
      [text("cgroup.subtree_control"), text("g", "cgroup.subtree_control")],
      ["+memory +pids", ""],
    );
    group.child("worker", { memory: 1024, pids: 7, cpu: 1 });
    assert.equal(text("g", "cgroup.subtree_control"), "+memory +pids");
    assert.deepEqual([text("g", "worker", "memory.max"), text("g", "worker", "pids.max")], ["1024", "7"]);
    assert.equal(existsSync(join(top, "g", "worker", "memory.swap.max")), false, "this kernel has none");
  });

  it("is enabled once", () => {
    writeFileSync(join(top, "cgroup.subtree_control"), "cpu memory pids\n");
    ControlGroup.make([hierarchy()], "g");
    assert.equal(text("cgroup.subtree_control"), "cpu memory pids\n");
  });

  it("is made under the next parent where the first one refuses, and is refused with the first's reason", () => {
    const refused: unknown[] = [];
    const missing = { ...hierarchy(), parents: [join(top, "nowhere"), top] };
    assert.deepEqual(ControlGroup.make([missing], "g").paths, [join(top, "g")]);
    const none = ControlGroup.make([{ ...hierarchy(), parents: [join(top, "nowhere")] }], "g", (...why) =>
      refused.push(why),
    );
    assert.deepEqual(none.paths, []);
    const [[controllers, reason]] = refused as [[readonly string[], string]];
    assert.deepEqual(controllers, ["memory", "pids"]);
    assert.match(reason, /ENOENT.*nowhere/);
  });
});

describe("a control group of this machine", () => {
  const name = `taskfleet-test-${randomUUID().slice(0, 8)}`;
  let group: ControlGroup;

  before(function () {
    group = ControlGroup.make(findHierarchies(), name);
    if (group.controllers.includes("pids") && group.controllers.includes("memory")) return;
    console.log("      skipped: no control group with memory and pids can be made here (root is needed)");
    this.skip();
  });
  after(() => group.remove());

  /** The lines of a limit's file in either version, once each. */
  const limit = (of: ControlGroup, file: string) =>
    of.paths
      .map((path) => join(path, file))
      .flatMap((path) => (existsSync(path) ? [readFileSync(path, "utf8").trim()] : []));

  it("limits and holds what is moved in, with all that it starts, and ends it all", async () => {
    const worker = group.child("w-1").child("worker", { memory: 134_217_728, pids: 32 });
    const memory = [...limit(worker, "memory.limit_in_bytes"), ...limit(worker, "memory.max")];
    assert.deepEqual([memory, limit(worker, "pids.max")], [["134217728"], ["32"]]);
    const join = worker.joinFiles.map((file) => `echo 0 > ${file}; `).join("");
    const child = spawn("sh", ["-c", `${join} setsid sleep 1000 & sleep 1000`], { detached: true });
    const ended = once(child, "exit");
    const members = await waitFor("three members", () => {
      const found = worker.members();
      return found.length >= 3 ? found : undefined;
    });
    assert.ok(members.includes(Number(child.pid)));
    assert.deepEqual(ControlGroup.open(worker.paths).members(), worker.members());
    assert.deepEqual(ControlGroup.open(worker.paths).controllers, worker.controllers);
    await group.child("w-1").remove();
    assert.deepEqual(await ended, [null, "SIGKILL"]);
    assert.deepEqual(
      members.filter((pid) => identify(pid) !== null),
      [],
    );
    for (const path of group.paths)
      assert.deepEqual(
        readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
        [],
      );
  });

  it("stops a fork at its limit", async () => {
    const small = group.child("small", { pids: 2 });
    const join = small.joinFiles.map((file) => `echo 0 > ${file}; `).join("");
    const child = spawn("sh", ["-c", `${join} sleep 1000 & sleep 1000 & sleep 1000 & wait`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    await once(child, "exit");
    assert.match(said, /Cannot fork/);
    assert.equal(small.members().length, 1);
    await small.remove();
  });

  it("is the new owner's to divide, but not to widen", () => {
    const shared = group.child("shared", { pids: 10 });
    shared.child("worker", { pids: 5 });
    shared.delegate(65_532, 65_532);
    const script = `for path; do
      mkdir $path/task-1
      for file in $path/pids.max $path/worker/pids.max; do
        if test -e $file; then (echo max > $file) 2> /dev/null && echo widened $file; fi
      done
      if test -e $path/task-1/pids.max; then echo 3 > $path/task-1/pids.max; fi
    done; echo done`;
    const owner = { uid: 65_532, gid: 65_532, encoding: "utf8" } as const;
    const { stdout, stderr } = spawnSync("sh", ["-c", script, "sh", ...shared.paths], owner);
    assert.deepEqual([stdout, stderr], ["done\n", ""]);
    assert.deepEqual(limit(shared.child("task-1"), "pids.max"), ["3"]);
    assert.deepEqual(limit(shared, "pids.max"), ["10"]);
  });
});

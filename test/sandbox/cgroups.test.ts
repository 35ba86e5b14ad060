import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { layout } from "../../worker/src/adapters/cgroups/layout.ts";
import { counter, givenGroups, ownGroups } from "../../worker/src/adapters/cgroups/own-groups.ts";
import { openTaskGroups } from "../../worker/src/adapters/cgroups/task-groups.ts";

const V1 = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
const V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

describe("this process's control groups", () => {
  it("are one folder for each controller in version 1, also where version 2 is mounted beside it", () => {
    assert.deepEqual(ownGroups(V1, "8:pids:/a b\n4:memory:/api/x:y\n0::/\n"), {
      version: 1,
      folders: { pids: "/sys/fs/cgroup/pids/a b", memory: "/sys/fs/cgroup/memory/api/x:y" },
    });
  });

  it("are one folder in version 2", () => {
    const own = ownGroups(V2, "0::/system.slice/fleet.service\n");
    assert.deepEqual(own, { version: 2, folder: "/sys/fs/cgroup/system.slice/fleet.service" });
  });

  it("are found where a part of the hierarchy is mounted, as in a container", () => {
    const mountinfo =
      "1 0 0:1 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
      "2 0 0:2 /docker/abc /sys/fs/cgroup/my\\040pids ro - cgroup cgroup rw,pids\n";
    assert.deepEqual(ownGroups(mountinfo, "4:memory:/docker/abc/in\n8:pids:/docker/abc\n"), {
      version: 1,
      folders: { memory: "/sys/fs/cgroup/memory/in", pids: "/sys/fs/cgroup/my pids" },
    });
  });

  it("are none where they lie outside of what is mounted, or nothing is", () => {
    const mountinfo = "1 0 0:1 /other /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
    assert.equal(ownGroups(mountinfo, "0::/mine\n"), undefined);
    assert.equal(ownGroups("", ""), undefined);
  });
});

describe("control groups that a supervisor handed over", () => {
  const given = (...files: readonly string[]) =>
    givenGroups(["/p", "/m", "/c"], (path) => files.includes(path));

  it("are told by their files: a folder for each controller in version 1, one in version 2", () => {
    const v1 = given("/p/pids.max", "/m/memory.limit_in_bytes", "/c/cpu.cfs_quota_us");
    assert.deepEqual(v1, { version: 1, folders: { pids: "/p", memory: "/m" } });
    const v2 = given("/c/cgroup.controllers", "/c/pids.max", "/c/memory.max");
    assert.deepEqual(v2, { version: 2, folder: "/c" });
    assert.equal(given("/p/pids.max"), undefined);
  });
});

describe("a task's group", () => {
  it("has its limits in the files of its version", () => {
    const limits = { processes: 7, memoryBytes: 4096 };
    const files = (own: Parameters<typeof layout>[0]) =>
      layout(own, "t", limits).knobs.map(({ file, value }) => `${file}=${value}`);
    assert.deepEqual(files({ version: 2, folder: "/c" }), [
      "/c/t/pids.max=7",
      "/c/t/memory.max=4096",
      "/c/t/memory.swap.max=0",
      "/c/t/memory.oom.group=1",
    ]);
    assert.deepEqual(files({ version: 1, folders: { pids: "/p", memory: "/m" } }), [
      "/p/t/pids.max=7",
      "/m/t/memory.limit_in_bytes=4096",
      "/m/t/memory.memsw.limit_in_bytes=4096",
    ]);
  });

  it("counts hits by name", () => {
    assert.equal(counter("low 1\nmax 12\noom 3\n", "max"), 12);
    assert.equal(counter("oom_kill_disable 1\noom_kill 2", "oom_kill"), 2);
    assert.equal(counter("", "max"), 0);
  });

  it("is made with its limits, and removed", async function () {
    const groups = await openTaskGroups([]);
    if (typeof groups === "string") {
      process.stdout.write(`      not tested here: control groups: ${groups}\n`);
      return this.skip();
    }
    const group = await groups.make({ processes: 5, memoryBytes: 16 * 1024 * 1024 });
    const [folder = ""] = group.joins.map((file) => file.replace(/\/cgroup\.procs$/, ""));
    assert.equal(readFileSync(`${folder}/pids.max`, "utf8"), "9\n");
    assert.equal(await group.hit(), null);
    await group.remove();
    assert.equal(existsSync(folder), false);
  });
});

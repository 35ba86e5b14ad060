import assert from "node:assert/strict";
import { parseHierarchies } from "../../../worker/src/adapters/cgroups/hierarchies.ts";

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
        {
          version: 1,
          controllers: ["cpu"],
          parents: ["/sys/fs/cgroup/cpu,cpuacct"],
          own: "/sys/fs/cgroup/cpu,cpuacct",
        },
        {
          version: 1,
          controllers: ["memory"],
          parents: ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/user.slice/a b"],
          own: "/sys/fs/cgroup/memory/user.slice/a b",
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
          own: "/sys/fs/cgroup/system.slice/taskfleet.service",
        },
      ],
    );
  });

  it("of a container start at its own group", () => {
    const mount = "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup ro\n";
    const [inside] = parseHierarchies(mount, "0::/docker/abc/worker\n", () => "pids");
    assert.deepEqual(inside?.parents, ["/sys/fs/cgroup", "/sys/fs/cgroup/worker"]);
    const [elsewhere] = parseHierarchies(mount, "0::/other\n", () => "pids");
    assert.deepEqual([elsewhere?.parents, elsewhere?.own], [["/sys/fs/cgroup"], null]);
  });

  it("have paths with blanks, and groups with colons", () => {
    const mount = "2 0 0:2 /docker/abc /sys/fs/cgroup/my\\040pids ro - cgroup cgroup rw,pids\n";
    const [pids] = parseHierarchies(mount, "8:pids:/docker/abc/x:y\n", () => "");
    assert.equal(pids?.own, "/sys/fs/cgroup/my pids/x:y");
  });

  it("are none where nothing is mounted", () => {
    assert.deepEqual(
      parseHierarchies("", "", () => ""),
      [],
    );
  });
});

import assert from "node:assert/strict";
import { CONTROLLERS } from "../../../worker/src/adapters/cgroups/hierarchies.ts";
import {
  controllersOf,
  counter,
  limitFiles,
  wasHit,
} from "../../../worker/src/adapters/cgroups/limit-files.ts";

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

  it("are a task's, in the files of its version", () => {
    const task = { pids: 7, memory: 4096, killWhole: true } as const;
    const files = (version: 1 | 2) =>
      limitFiles(version, ["pids", "memory"], task).map(({ name, value }) => `${name}=${value}`);
    assert.deepEqual(files(2), ["pids.max=7", "memory.max=4096", "memory.swap.max=0", "memory.oom.group=1"]);
    assert.deepEqual(files(1), [
      "pids.max=7",
      "memory.limit_in_bytes=4096",
      "memory.memsw.limit_in_bytes=4096",
    ]);
  });

  it("are told by their files", () => {
    assert.deepEqual(
      controllersOf(1, (name) => ["pids.max", "cpu.cfs_quota_us", "memory.max"].includes(name)),
      ["pids", "cpu"],
    );
    assert.deepEqual(
      controllersOf(2, (name) => ["memory.max", "cpu.max", "cpu.cfs_quota_us"].includes(name)),
      ["memory", "cpu"],
    );
  });
});

describe("hits of a control group's limits", () => {
  it("are counted by name", () => {
    assert.equal(counter("low 1\nmax 12\noom 3\n", "max"), 12);
    assert.equal(counter("oom_kill_disable 1\noom_kill 2", "oom_kill"), 2);
    assert.equal(counter("", "max"), 0);
  });

  it("are in these files of version 1 and 2", () => {
    const texts: Readonly<Record<string, string>> = {
      "pids.events": "max 1\n",
      "memory.events": "oom 1\noom_kill 0\n",
      "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    };
    const hits = (version: 1 | 2) =>
      CONTROLLERS.map((controller) => wasHit(version, controller, (name) => texts[name] ?? ""));
    assert.deepEqual(hits(1), [true, true, false]);
    assert.deepEqual(hits(2), [false, true, false]);
  });
});

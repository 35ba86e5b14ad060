import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import { localShell } from "../../components/hosts/compose/local-shell.ts";
import { lookAtProcesses } from "../../components/verify/containers.ts";

describe("what the host's script reads", () => {
  it("is what the kernel says of a process", async () => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    try {
      const { host, byPid } = await lookAtProcesses(localShell(process.env), "alone", [pid]);
      const facts = byPid.get(pid);
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const line = (name: string) =>
        new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.replaceAll("\t", " ");
      const [own] = facts?.processes ?? [];
      assert.equal(own?.pid, pid);
      const names = [
        "Name",
        "Uid",
        "CapInh",
        "CapPrm",
        "CapEff",
        "CapBnd",
        "CapAmb",
        "NoNewPrivs",
        "Seccomp",
      ];
      assert.deepEqual(own?.status, Object.fromEntries(names.map((name) => [name, line(name)])));
      const lines = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8").trimEnd().split("\n");
      assert.deepEqual([facts?.mounts, facts?.groups], [lines("mountinfo"), lines("cgroup")]);
      assert.equal(facts?.namespaces.uts, readlinkSync(`/proc/${pid}/ns/uts`));
      assert.equal(host.uts, readlinkSync("/proc/self/ns/uts"));
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  it("is nothing of one that is gone", async () => {
    const child = spawn("true");
    await once(child, "exit");
    const pid = child.pid ?? 0;
    const { byPid } = await lookAtProcesses(localShell(process.env), "alone", [pid]);
    assert.deepEqual([byPid.get(pid)?.alive, byPid.get(pid)?.processes], [false, []]);
  });
});

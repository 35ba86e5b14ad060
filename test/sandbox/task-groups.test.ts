import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { hitOf, openTaskGroups } from "../../worker/src/adapters/cgroups/task-groups.ts";

describe("a task's control group", () => {
  it("is missing where processes and memory cannot both be limited", async () => {
    assert.equal(await openTaskGroups(["/nowhere"]), "no control groups of processes and memory are mounted");
  });

  it("is made with its limits, and removed", async function () {
    const groups = await openTaskGroups([]);
    if (typeof groups === "string") {
      process.stdout.write(`      not tested here: control groups: ${groups}\n`);
      return this.skip();
    }
    const group = groups.make({ processes: 5, memoryBytes: 16 * 1024 * 1024 });
    const [folder = ""] = group.joinFiles.map((file) => file.replace(/\/cgroup\.procs$/, ""));
    assert.equal(readFileSync(`${folder}/pids.max`, "utf8"), "9\n");
    assert.equal(hitOf(group), null);
    await group.remove();
    assert.equal(existsSync(folder), false);
  });
});

import assert from "node:assert/strict";
import { ProjectCopy } from "../support/project-copy.ts";

/** Rows of the summary by name: `done` → `401`. */
function rows(output: string): ReadonlyMap<string, string> {
  const cells = [...output.matchAll(/^│ (.+?) +│ (.+?) +│$/gm)];
  return new Map(cells.map(([, name = "", value = ""]) => [name, value]));
}

describe("taskfleet demo", function () {
  this.timeout(300_000);
  const project = new ProjectCopy();
  after(async () => {
    await project.taskfleet("down", "--delete-data");
    project.remove();
  });

  for (const run of ["first", "second"]) {
    it(`loses nothing while workers and the leader are killed: the ${run} run`, async () => {
      const { code, output } = await project.taskfleet("demo");
      assert.equal(code, 0, output);
      const summary = rows(output);
      const pushed = Number(summary.get("pushed"));
      assert.ok(pushed > 100, output);
      // Set-up builds the sandbox's helper where Go is there, as it is wherever the engine was built.
      const hostile = Number(summary.get("hostile programs")?.split(" ")[2]);
      assert.equal(
        summary.get("hostile programs"),
        `${hostile} of ${hostile} ended with the expected reason`,
      );
      assert.ok(hostile > 20, output);
      assert.equal(summary.get("done"), String(pushed - hostile - 5));
      assert.equal(summary.get("retried"), "25");
      assert.equal(summary.get("dead-lettered"), "5");
      assert.match(output, /byte for byte the same as the command run directly/);
      assert.match(output, /every task has exactly one result or is dead-lettered/);
      assert.equal(project.gitStatus(), "");
    });
  }
});

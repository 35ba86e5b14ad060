import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDirectly } from "../../components/cli/demo/tree-map.ts";
import { PATHS } from "../../components/paths.ts";

describe("the demo's run without the fleet", () => {
  const scratch = mkdtempSync(join(tmpdir(), "taskfleet-direct-"));
  after(() => rmSync(scratch, { recursive: true }));

  it("hashes and counts file by file, and lets the demo watch its fleet meanwhile", async () => {
    const files = ["LICENSE", "package.json"];
    let turns = 0;
    const watching = setInterval(() => turns++, 1);
    const printed = (await runDirectly(files, scratch)).toString("utf8");
    clearInterval(watching);
    const hashes = files.map((name) =>
      createHash("sha256")
        .update(readFileSync(join(PATHS.root, name)))
        .digest("hex"),
    );
    assert.deepEqual(
      [...printed.matchAll(/^([0-9a-f]{64}) /gm)].map(([, hash]) => hash),
      hashes,
    );
    assert.ok(turns > 0, "the event loop stood still");
  });
});

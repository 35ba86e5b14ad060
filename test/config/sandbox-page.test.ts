import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { withSandboxTable } from "../../worker/docs/sandbox-table.ts";

describe("docs/sandbox.md", () => {
  const page = readFileSync(new URL("../../docs/sandbox.md", import.meta.url), "utf8");

  it("holds the table as the data has it; else run node worker/docs/write-configuration.ts", () => {
    assert.equal(page, withSandboxTable(page));
    assert.match(page, /^\| `leftovers`: /m);
  });
});

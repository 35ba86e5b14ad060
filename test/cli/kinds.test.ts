import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished, startCli } from "./support.ts";

describe("kinds --folder", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-kinds-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const kinds = () => finished(startCli(["kinds", "--folder", folder, "--json"]));

  it("names what a fleet with these handlers would run, without one", async () => {
    const text = `import { defineHandler, Type } from "@taskfleet/worker/handler";
export default defineHandler({ kind: "greet", version: "1.0.0", description: "Greets.",
  payload: Type.Object({ name: Type.String() }), run: async ({ name }) => name });`;
    writeFileSync(join(folder, "greet.ts"), text);
    const { code, out } = await kinds();
    assert.equal(code, 0);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ kind, version }) => [kind, version]),
      [
        ["execute", "1.1.0"],
        ["greet", "1.0.0"],
        ["http", "1.0.0"],
      ],
    );
    assert.deepEqual(lines[1].payload.required, ["name"]);
  });

  it("names the file and what is wrong with it", async () => {
    writeFileSync(join(folder, "broken.ts"), "export default 5 +");
    const { code, err } = await kinds();
    assert.notEqual(code, 0);
    assert.match(err, /broken\.ts: SyntaxError/);
  });
});

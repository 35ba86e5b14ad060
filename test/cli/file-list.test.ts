import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expandGlobs, splitNames } from "../../worker/src/cli/input/file-list.ts";

describe("the list of files of a map", () => {
  let folder = "";
  const path = (name: string) => join(folder, name);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-files-"));
    mkdirSync(path("sub"));
    for (const name of ["b.txt", "a.txt", "Z.txt", "[1].txt", "sub/c.txt"]) writeFileSync(path(name), name);
  });
  after(() => rmSync(folder, { recursive: true }));

  it("sorts the matches of a pattern by code point and leaves folders out", async () => {
    assert.deepEqual(await expandGlobs([path("*")]), ["Z.txt", "[1].txt", "a.txt", "b.txt"].map(path));
  });

  it("keeps the order of the patterns and names a file once", async () => {
    const files = await expandGlobs([path("b.txt"), path("**/*.txt")]);
    assert.deepEqual(files, ["b.txt", "Z.txt", "[1].txt", "a.txt", "sub/c.txt"].map(path));
  });

  it("takes a file's own name for that file, also when it looks like a pattern", async () => {
    assert.deepEqual(await expandGlobs([path("[1].txt")]), [path("[1].txt")]);
  });

  it("refuses a pattern that nothing matches", async () => {
    await assert.rejects(expandGlobs([path("*.md")]), {
      name: "CliError",
      message: `no file matches ${JSON.stringify(path("*.md"))}`,
      exitCode: 2,
    });
  });

  it("splits lists by newlines or NUL, and keeps spaces, order and repeats", () => {
    assert.deepEqual(splitNames(Buffer.from("b c\na\n\na"), false), ["b c", "a", "a"]);
    assert.deepEqual(splitNames(Buffer.from("b\nc\0 a\0"), true), ["b\nc", " a"]);
  });

  it("refuses names that are not UTF-8, which could not be opened by the text that stands for them", () => {
    assert.throws(() => splitNames(Buffer.from([0x61, 0xff]), false), {
      message: "the list of files is not UTF-8",
    });
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withVariables } from "../../../../components/hosts/compose/env-file.ts";
import { localShell } from "../../../../components/hosts/compose/local-shell.ts";
import { collide, parseListeners } from "../../../../components/hosts/compose/ports-check.ts";
import {
  inspectFiles,
  makeFolder,
  removeFiles,
  removeFolder,
  writeFiles,
} from "../../../../components/hosts/compose/project-files.ts";

describe("a project's files on its host", () => {
  const shell = localShell(process.env);
  let parent: string;
  let folder: string;
  const at = (path: string) => join(folder, path);
  const file = (content: string, mode = "0444") => ({ content, mode });

  beforeEach(async () => {
    parent = realpathSync(mkdtempSync(join(tmpdir(), "taskfleet-files-")));
    folder = await makeFolder(shell, join(parent, "it's a folder"));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it("are written with their modes, in folders that keep others out of secrets alone", async () => {
    const files = { "a b/c.conf": file("x\n$HOME\n"), "secrets/s": file(""), ".env": file("é", "0600") };
    assert.deepEqual(await writeFiles(shell, folder, files), ["a b/c.conf", "secrets/s", ".env"]);
    const mode = (path: string) => (statSync(at(path)).mode & 0o777).toString(8);
    assert.deepEqual(["", "a b", "a b/c.conf", "secrets", "secrets/s", ".env"].map(mode), [
      ...["755", "755", "444", "700", "444", "600"],
    ]);
    assert.deepEqual(
      ["a b/c.conf", "secrets/s", ".env"].map((path) => readFileSync(at(path), "utf8")),
      ["x\n$HOME\n", "", "é"],
    );
    assert.deepEqual(readdirSync(at("a b")), ["c.conf"]);
    assert.deepEqual(await writeFiles(shell, folder, files), []);
  });

  it("stay the same file when they are secrets, shorter or longer, and are replaced when not", async () => {
    const write = (text: string) => writeFiles(shell, folder, { "secrets/s": file(text), conf: file(text) });
    await write("a long secret");
    const inode = (path: string) => statSync(at(path)).ino;
    const before = inode("secrets/s");
    for (const text of ["short", "a longer secret again"]) {
      assert.deepEqual(await write(text), ["conf"]);
      assert.deepEqual([readFileSync(at("secrets/s"), "utf8"), inode("secrets/s")], [text, before]);
    }
  });

  it("are told as missing, changed or of another mode", async () => {
    const files = { a: file("1"), b: file("2"), c: file("3"), d: file("4") };
    await writeFiles(shell, folder, files);
    rmSync(at("a"));
    rmSync(at("b"));
    writeFileSync(at("b"), "other");
    execFileSync("chmod", ["640", at("c")]);
    const states = await inspectFiles(shell, folder, files);
    assert.deepEqual([...states.values()], ["missing", "changed", "has mode 0640", "intact"]);
  });

  it("take the place of an empty folder, and of no other", async () => {
    mkdirSync(at("conf"));
    await writeFiles(shell, folder, { conf: file("x") });
    assert.equal(readFileSync(at("conf"), "utf8"), "x");
    mkdirSync(at("full/inside"), { recursive: true });
    await assert.rejects(writeFiles(shell, folder, { full: file("x") }), {
      message: `cannot write the files of ${folder} on this machine: a folder of this name is in the way; move it away`,
    });
  });

  it("go with the folders that they leave empty; what is not ours stays", async () => {
    await writeFiles(shell, folder, { "x/y/z": file("1"), "x/w": file("2") });
    await removeFiles(shell, folder, ["x/y/z", "not/there"]);
    assert.deepEqual(readdirSync(at("x")), ["w"]);
    assert.equal(await removeFolder(shell, folder), false);
    await removeFiles(shell, folder, ["x/w"]);
    assert.equal(await removeFolder(shell, folder), true);
    assert.equal(existsSync(folder), false);
  });

  it("say in one line that the disk is full, and leave no half of a file", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const small = join(parent, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]);
    try {
      await writeFiles(shell, small, { kept: file("old") });
      const files = { kept: file("x".repeat(200_000)) };
      await assert.rejects(writeFiles(shell, small, files), {
        message: `cannot write the files of ${small} on this machine: the disk is full; free some space, then run the update again`,
      });
      assert.deepEqual([readdirSync(small), readFileSync(join(small, "kept"), "utf8")], [["kept"], "old"]);
    } finally {
      execFileSync("umount", [small]);
    }
  });
});

describe("a project's .env", () => {
  it("has the variables that were found out in the place of its own, quoted where Compose wants it", () => {
    const found = { TASKFLEET_IMAGE: "app@sha256:0", DIR: 'a "b" $c \\d' };
    assert.equal(
      withVariables("# note\nTASKFLEET_IMAGE=old\nOTHER=1\n", found),
      '# note\nOTHER=1\nDIR="a \\"b\\" \\$c \\\\d"\nTASKFLEET_IMAGE=app@sha256:0\n',
    );
  });
});

describe("ports of a host", () => {
  it("are read from the kernel's tables and collide on the same address or on all", () => {
    const rows = [
      "  sl  local_address rem_address   st",
      "   0: 0100007F:18EB 00000000:0000 0A 00000000:00000000",
      "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000",
      "   2: 0100007F:0016 0100007F:1234 01 00000000:00000000",
      "   3: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A",
    ];
    const listeners = parseListeners(rows.join("\n"));
    assert.deepEqual(listeners, [
      { address: "127.0.0.1", port: 6379 },
      { address: "0.0.0.0", port: 8080 },
      { address: "0.0.0.0", port: 80 },
    ]);
    const taken = (address: string, port: number) => listeners.some((one) => collide(one, { address, port }));
    assert.deepEqual(
      [
        taken("127.0.0.1", 6379),
        taken("0.0.0.0", 6379),
        taken("10.0.0.1", 6379),
        taken("127.0.0.1", 8080),
        taken("127.0.0.1", 22),
      ],
      [true, true, false, true, false],
    );
  });
});

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localFile } from "../../../components/hosts/local-file.ts";

describe("a file of the host", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-file-"));
  const path = join(folder, "secrets", "handlers.json");
  const file = { path, content: '{"KEY":"{port}"}', mode: "0600" };
  const written = { ...file, intact: true };
  after(() => rmSync(folder, { recursive: true }));

  it("is written with its folder and mode, as it is", async () => {
    assert.deepEqual(await localFile.create(file), { id: path, state: { intact: true } });
    assert.deepEqual([readFileSync(path, "utf8"), statSync(path).mode & 0o777], [file.content, 0o600]);
  });

  it("changes with its content, and is another one at another place", () => {
    assert.deepEqual(localFile.diff(written, file), { changes: false, replaces: [] });
    assert.deepEqual(localFile.diff(written, { ...file, content: "{}" }), { changes: true, replaces: [] });
    const moved = localFile.diff(written, { ...file, path: "/elsewhere" });
    assert.deepEqual(moved, { changes: true, replaces: ["path"] });
  });

  it("is put right when somebody changed or removed it", async () => {
    for (const harm of [
      () => writeFileSync(path, "other"),
      () => chmodSync(path, 0o644),
      () => rmSync(path),
    ]) {
      harm();
      assert.deepEqual(await localFile.read(written), { intact: false });
      assert.equal(localFile.diff({ ...written, intact: false }, file).changes, true);
      assert.deepEqual(await localFile.update({ ...written, intact: false }, file), { intact: true });
      assert.deepEqual(await localFile.read(written), { intact: true });
    }
  });

  it("refuses a place that depends on the working directory, and rights that others would have", () => {
    assert.deepEqual(localFile.check({ ...file, path: "here", mode: "0666" }), [
      { property: "path", reason: 'got "here"; allowed: an absolute path' },
      { property: "mode", reason: 'got "0666"; allowed: 0600, 0640, 0644, 0700, 0755' },
    ]);
  });

  it("goes with the stack", async () => {
    await localFile.delete(written);
    assert.equal(existsSync(path), false);
  });
});

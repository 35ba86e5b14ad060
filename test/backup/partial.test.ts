import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { beginBackup } from "../../worker/src/backup/catalog.ts";

describe("partial backups", () => {
  it("of an earlier process with this one's pid go; those of this one, and of others that run, stay", async () => {
    const directory = mkdtempSync(join(tmpdir(), "taskfleet-partial-"));
    try {
      const at = (pid: number) => join(directory, `.20200101T000000Z.${hostname()}.${pid}.partial`);
      for (const pid of [process.pid, process.ppid]) mkdirSync(at(pid));
      const times = [new Date("2026-11-28T09:30:00Z"), new Date("2026-11-28T09:30:01Z")];
      const now = () => times.shift() ?? new Date();
      const first = await beginBackup(directory, now);
      assert.deepEqual([existsSync(at(process.pid)), existsSync(at(process.ppid))], [false, true]);
      const second = await beginBackup(directory, now);
      assert.deepEqual([existsSync(first.folder), existsSync(second.folder)], [true, true]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

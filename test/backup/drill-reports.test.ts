import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DrillReport, newestDrill, writeDrillReport } from "../../worker/src/backup/drill.ts";

describe("reports of restore drills", () => {
  const reports = mkdtempSync(join(tmpdir(), "taskfleet-reports-"));
  after(() => rmSync(reports, { recursive: true }));

  it("count for the folder whose backup was restored, and for no other stack", () => {
    const write = (at: string, folder: string, passed: boolean) =>
      writeDrillReport(reports, { v: 1, at, folder, passed } as unknown as DrillReport);
    write("2026-11-27T09:30:00.000Z", "/backups/one/20261127T090000Z", true);
    write("2026-11-28T09:30:00.000Z", "/backups/other/20261128T090000Z", false);
    const newest = newestDrill(reports, "/backups/one/");
    deepEqual([newest?.passed, newest?.at], [true, Date.parse("2026-11-27T09:30:00.000Z")]);
    equal(newestDrill(reports, "/backups/other")?.passed, false);
    equal(newestDrill(reports, "/backups"), null);
  });
});

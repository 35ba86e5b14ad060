import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopWorkers } from "../../../components/hosts/local-workers.ts";
import { readRecord } from "../../../components/hosts/process-record.ts";
import { runFileName } from "../../../worker/contract/run-file.ts";

describe("what is on disk of a process and cannot be read", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-unreadable-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const stop = (directory: string) =>
    stopWorkers({ directory, stopTimeoutSeconds: 1 }, { report: () => {}, reportEveryMs: 1000 });

  it("is no missing process: the record", async () => {
    assert.equal(await readRecord(folder, "server"), null);
    const record = join(folder, "server.process.json");
    mkdirSync(record);
    await assert.rejects(readRecord(folder, "server"), {
      name: "HostError",
      message: new RegExp(`^cannot read ${record}: a folder of this name is in the way`),
    });
  });

  it("is no missing worker: the run directory and its files", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    await assert.rejects(stop(file), {
      message: new RegExp(`^cannot read ${file}: a part of the path is a file`),
    });
    mkdirSync(join(folder, runFileName("w")));
    await assert.rejects(stop(folder), { message: /^cannot read .*\/w\.json: a folder of this name/ });
  });
});

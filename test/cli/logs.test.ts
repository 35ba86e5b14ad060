import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogFollower } from "../../worker/src/cli/logs/log-follower.ts";
import { formatLine } from "../../worker/src/cli/logs/log-line.ts";
import { waitFor } from "../support/wait.ts";

const record = (second: number, message: string) =>
  JSON.stringify({ timestamp: `2026-01-01T00:00:0${second}.000Z`, level: "info", message, logger: "w" });

describe("logs", () => {
  let directory = "";
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(""));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "taskfleet-logs-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("merges the last lines of all files by time; what has no time stays behind its line", () => {
    write("a.log", [record(1, "a1"), "    at stack", record(4, "a4")]);
    write("b.log", [record(2, "b2"), record(3, "b3")]);
    write("notes.txt", ["not a log"]);
    const lines = new LogFollower({ directory }).last(4);
    assert.deepEqual(
      lines.map(({ source, text }) => [source, text]),
      [
        ["a", "    at stack"],
        ["b", record(2, "b2")],
        ["b", record(3, "b3")],
        ["a", record(4, "a4")],
      ],
    );
  });

  it("reads the last lines of a file that is larger than one reading", () => {
    const texts = Array.from({ length: 3000 }, (_, at) => `${record(1, `m${at}`)} ${"x".repeat(50)}`);
    write("a.log", texts);
    const last = new LogFollower({ directory }).last(2000);
    assert.deepEqual(
      last.map(({ text }) => text),
      texts.slice(-2000),
    );
  });

  it("takes only the files of one worker", () => {
    write("worker-1.log", [record(1, "one")]);
    write("worker-2.log", [record(1, "two")]);
    const lines = new LogFollower({ directory, source: "worker-2" }).last(10);
    assert.deepEqual(
      lines.map(({ text }) => text),
      [record(1, "two")],
    );
  });

  it("follows old, new and rewritten files, whole lines only", async () => {
    write("a.log", [record(1, "old")]);
    const follower = new LogFollower({ directory });
    follower.last(0);
    const seen: string[] = [];
    const ending = new AbortController();
    const followed = follower.follow((lines) => {
      seen.push(...lines.map(({ text }) => text));
    }, ending.signal);
    appendFileSync(join(directory, "a.log"), "begun");
    write("b.log", ["new file"]);
    await waitFor("the new file's line", () => seen.length === 1);
    appendFileSync(join(directory, "a.log"), " and ended\n");
    await waitFor("the whole line", () => seen.length === 2);
    truncateSync(join(directory, "a.log"));
    appendFileSync(join(directory, "a.log"), "rewritten\n");
    await waitFor("the line of the rewritten file", () => seen.length === 3);
    ending.abort();
    await followed;
    assert.deepEqual(seen, ["new file", "begun and ended", "rewritten"]);
  });

  it("shows a record on one line for people, and takes its control characters away", () => {
    const text = JSON.stringify({
      timestamp: "2026-01-01T00:00:01.250Z",
      level: "warning",
      message: "worker_pool_poll\u001b[31m_error",
      logger: "worker",
      kind: "execute",
      note: "two words",
      exception: "Error: gone\n    at redis",
    });
    assert.equal(
      formatLine({ source: "w1", text, at: Date.parse("2026-01-01T00:00:01.250Z") }),
      '00:00:01.250 warning w1  worker_pool_poll_error  kind=execute note="two words"\n' +
        "    Error: gone\n        at redis",
    );
  });

  it("names a directory that is not there", () => {
    const follower = new LogFollower({ directory: join(directory, "gone") });
    assert.throws(() => follower.last(1), {
      message: `the log directory ${JSON.stringify(join(directory, "gone"))}: no such file`,
    });
  });
});

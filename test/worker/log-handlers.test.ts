import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadSettings, SettingsError } from "../../worker/src/config/load-settings.ts";
import { createFormatter } from "../../worker/src/logging/formatters.ts";
import { parseLogHandler, parseRename } from "../../worker/src/logging/handlers.ts";
import { rotatingFile } from "../../worker/src/logging/log-file.ts";

const LOGGER = pathToFileURL(join(import.meta.dirname, "../../worker/src/logging/logger.ts")).href;
const LINE =
  '{"level":"warning","timestamp":"2026-12-01T08:30:00.000Z","logger":"worker","n":1,"at":{"a":"b c"},"message":"two words"}\n';

describe("LOG_HANDLERS", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-logs-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** What a process prints that logs two events with these options. */
  function logged(options: object) {
    const script = `
      const { createLogger } = await import(${JSON.stringify(LOGGER)});
      const options = { name: "worker", json: true, level: "info", secrets: ["hush"], ...${JSON.stringify(options)} };
      const log = await createLogger(options);
      log.info({ n: 1 }, "first");
      log.error({ why: "hush now", exception: new Error("no") }, "second");`;
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", script],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    return { stdout, stderr };
  }

  it("takes handlers with options of their own, and nothing else", () => {
    const file = { to: "file", path: "/a/b.log", maxBytes: 10 * 1024 ** 2, keep: 5, format: undefined };
    assert.deepEqual(parseLogHandler("stderr?format=logfmt"), { to: "stderr", format: "logfmt" });
    assert.deepEqual(parseLogHandler("file:/a/b.log"), file);
    const own = { ...file, maxBytes: 2048, keep: 2, format: "people" };
    assert.deepEqual(parseLogHandler("file:/a/b.log?max=2kb&keep=2&format=people"), own);
    const wrong = ["syslog", "file:", "stdout?max=1mb", "file:/a?max=5", "file:/a?max=2gb", "file:/a?keep=0"];
    for (const item of [...wrong, "file:/a?keep=101", "stdout?format=xml"])
      assert.equal(parseLogHandler(item), undefined, item);
    assert.deepEqual(parseRename("timestamp=@timestamp"), ["timestamp", "@timestamp"]);
    for (const item of ["timestamp", "a=", "=b", "a b=c"]) assert.equal(parseRename(item), undefined, item);
  });

  it("is checked at start, for every role", () => {
    const environment = { LOG_HANDLERS: "stdout,syslog", LOG_FIELDS: "message", LOG_FORMAT: "xml" };
    for (const role of ["worker", "spawner", "api", "cli"] as const) {
      assert.throws(
        () => loadSettings(environment, role, folder),
        (error) => {
          assert.ok(error instanceof SettingsError);
          const variables = error.problems.map(({ variable }) => variable);
          assert.deepEqual(variables.toSorted(), ["LOG_FIELDS", "LOG_FORMAT", "LOG_HANDLERS"]);
          return true;
        },
      );
    }
  });

  it("writes the same events to two handlers in two formats, without secrets in either", () => {
    const path = join(folder, "logs", "worker.log");
    const { stdout, stderr } = logged({ handlers: ["stdout", `file:${path}?format=logfmt`] });
    assert.equal(stderr, "");
    const [first, second] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual([first.message, first.level, first.n], ["first", "info", 1]);
    assert.deepEqual([second.why, second.exception.split("\n")[0]], ["[redacted] now", "Error: no"]);
    const [one = "", two = "", ...none] = readFileSync(path, "utf8").trim().split("\n");
    assert.deepEqual(none, []);
    assert.match(one, /^level=info timestamp=\S+Z logger=worker n=1 message=first$/);
    assert.match(two, /^level=error .* why="\[redacted\] now" exception="Error: no\\n .*message=second$/);
  });

  it("writes for people to standard error, and nothing to standard output", () => {
    const { stdout, stderr } = logged({ handlers: ["stderr"], format: "people" });
    assert.equal(stdout, "");
    assert.match(stderr, /INFO.*: first\n\s+n: 1\n/);
    assert.match(stderr, /ERROR.*: second\n\s+why: "\[redacted\] now"/);
  });

  it("renames fields of JSON, and writes logfmt alike", () => {
    const { stdout } = logged({ renames: ["timestamp=@timestamp", "message=event"] });
    const record = JSON.parse(stdout.split("\n")[0] ?? "");
    assert.deepEqual([record.event, record.message, record.timestamp], ["first", undefined, undefined]);
    assert.equal(new Date(record["@timestamp"]).toISOString(), record["@timestamp"]);
  });

  it("has the bytes that it always had, where nothing is set", () => {
    const strip = (text: string) => text.replaceAll(/"timestamp":"[^"]+"/g, "").replaceAll(/\(.*?\)/g, "");
    const plain = logged({}).stdout;
    const set = logged({ handlers: ["stdout"], format: "auto", renames: [] }).stdout;
    assert.equal(strip(set), strip(plain));
    assert.match(
      plain,
      /^\{"level":"info","timestamp":"[^"]+","logger":"worker","n":1,"message":"first"\}\n/,
    );
  });

  it("formats a record as logfmt: texts in quotes where they need them", async () => {
    const format = await createFormatter("logfmt", new Map([["n", "count"]]), false);
    assert.equal(
      format(LINE),
      'level=warning timestamp=2026-12-01T08:30:00.000Z logger=worker count=1 at="{\\"a\\":\\"b c\\"}" message="two words"\n',
    );
  });

  it("puts a file aside before it is too long, and keeps so many", () => {
    const path = join(folder, "a.log");
    const file = rotatingFile(path, 10, 2);
    for (const line of ["one--\n", "two--\n", "three\n", "x\n", "four-\n"]) file.write(line);
    const texts = readdirSync(folder)
      .toSorted()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]);
    assert.deepEqual(texts, [
      ["a.log", "four-\n"],
      ["a.log.1", "three\nx\n"],
      ["a.log.2", "two--\n"],
    ]);
    const next = rotatingFile(path, 10, 2);
    next.write("five-\n");
    assert.equal(readFileSync(path, "utf8"), "five-\n", "it knows how long the file was");
  });

  it("goes on when a file cannot be put aside", () => {
    const path = join(folder, "a.log");
    const file = rotatingFile(path, 10, 1);
    file.write("one--\n");
    // What is in the way cannot be removed as a file.
    mkdirSync(`${path}.1`);
    file.write("two--\n");
    file.write("three\n");
    assert.equal(readFileSync(path, "utf8"), "one--\ntwo--\nthree\n");
  });
});

import assert from "node:assert/strict";
import fs, { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, type LogLevel } from "../../worker/src/logging/logger.ts";
import { waitFor } from "../support/wait.ts";

interface Sink {
  readonly lines: string[];
  write(line: string): void;
}

function sink(): Sink {
  const lines: string[] = [];
  return { lines, write: (line) => void lines.push(line) };
}

const logger = (destination: Sink, level: LogLevel = "info", secrets: readonly string[] = []) =>
  createLogger({ name: "worker", json: true, level, fields: { worker_id: "w-1" }, secrets, destination });

describe("createLogger", () => {
  it("writes one JSON object a line with the agreed fields", async () => {
    const out = sink();
    (await logger(out)).info({ concurrency: 4 }, "worker_pool_starting");
    const [line = ""] = out.lines;
    const { timestamp, ...rest } = JSON.parse(line) as Record<string, unknown>;
    assert.equal(new Date(String(timestamp)).toISOString(), timestamp);
    assert.deepEqual(rest, {
      level: "info",
      logger: "worker",
      worker_id: "w-1",
      concurrency: 4,
      message: "worker_pool_starting",
    });
  });

  it("names its levels debug, info, warning and error, and drops what is below the least", async () => {
    const out = sink();
    const log = await logger(out, "warning");
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    const levels = out.lines.map((line) => (JSON.parse(line) as { level: string }).level);
    assert.deepEqual(levels, ["warning", "error"]);
  });

  it("puts what was thrown, with its causes, in exception", async () => {
    const out = sink();
    const thrown = new TypeError("outer", { cause: new Error("inner") });
    (await logger(out)).error({ exception: thrown }, "worker_pool_poll_error");
    const { exception } = JSON.parse(out.lines[0] ?? "") as { exception: string };
    assert.match(exception, /^TypeError: outer\n {4}at (?:.|\n)*\ncaused by: Error: inner\n {4}at /);
  });

  it("replaces secrets in every spelling", async () => {
    const out = sink();
    const log = await logger(out, "info", ['pa"ss/1', ""]);
    const url = `redis://:${encodeURIComponent('pa"ss/1')}@host`;
    log.info({ plain: 'pa"ss/1', url, exception: new Error('no pa"ss/1') }, 'about pa"ss/1');
    assert.doesNotMatch(out.lines.join(""), /pa(\\"|"|%22)ss/);
    const record = JSON.parse(out.lines[0] ?? "") as Record<string, string>;
    assert.equal(record.plain, "[redacted]");
    assert.equal(record.url, "redis://:[redacted]@host");
    assert.equal(record.message, "about [redacted]");
  });

  it("outlives a full disk, and says how many lines are lost", async () => {
    const folder = mkdtempSync(join(tmpdir(), "logger-"));
    const path = join(folder, "log");
    const fd = openSync(path, "a");
    const { writeSync } = fs;
    const log = await createLogger({ name: "worker", json: true, level: "info", destination: fd });
    try {
      fs.writeSync = () => {
        throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      };
      // Of 40 KB each: the first is kept.
      for (const n of [1, 2, 3]) log.info({ n, text: "x".repeat(40_000) }, "big");
      fs.writeSync = writeSync;
      log.info("free again");
      const lines = () => readFileSync(path, "utf8").trim().split("\n");
      await waitFor("the lines", () => lines().length === 3);
      const records = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(
        records.map(({ message, n, lines }) => [message, n ?? lines]),
        [
          ["big", 1],
          ["free again", undefined],
          ["log_lines_dropped", 2],
        ],
      );
    } finally {
      fs.writeSync = writeSync;
      closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  });

  it("writes lines for people when JSON is off", async () => {
    const out = sink();
    const log = await createLogger({
      name: "worker",
      json: false,
      level: "info",
      secrets: ["hush"],
      destination: out,
    });
    log.info({ concurrency: 4, note: "hush" }, "worker_pool_starting");
    assert.match(
      out.lines.join(""),
      /INFO.*: worker_pool_starting\n\s+concurrency: 4\n\s+note: "\[redacted\]"/,
    );
  });
});

import assert from "node:assert/strict";
import { exitReasonOf } from "../../worker/src/watcher/exit-reason.ts";

const end = (exitCode: number, asked: "idle" | "signal" | null = null, oomKilled = false) =>
  exitReasonOf({ exitCode, oomKilled, asked });

describe("watch-queue: why a container ended", () => {
  it("by itself, or because it was asked to", () => {
    assert.equal(end(0), "success");
    assert.equal(end(0, "idle"), "idle");
    assert.equal(end(0, "signal"), "signal");
  });

  it("killed at the end of its time, or out of the blue", () => {
    assert.equal(end(137, "idle"), "timeout");
    assert.equal(end(137, "signal"), "timeout");
    assert.equal(end(137), "error");
  });

  it("by a signal that it did not heed yet", () => {
    assert.equal(end(143), "signal");
    assert.equal(end(130), "signal");
  });

  it("by an error, whoever asked", () => {
    assert.equal(end(1), "error");
    assert.equal(end(2, "idle"), "error");
    assert.equal(end(139), "error");
  });

  it("out of memory, unless one of its programs was and it went on to its own end", () => {
    assert.equal(end(137, null, true), "error");
    assert.equal(end(137, "idle", true), "error");
    assert.equal(end(0, "idle", true), "idle");
  });
});

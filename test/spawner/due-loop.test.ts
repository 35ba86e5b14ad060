import assert from "node:assert/strict";
import { dueLoop, waitForDue } from "../../worker/src/spawner/due-loop.ts";

describe("spawner: when to look for due tasks", () => {
  it("looks again at the due time, at once for a full batch, and within 250 ms in any case", () => {
    assert.equal(waitForDue(10_100, 10_000), 100);
    assert.equal(waitForDue(10_250, 10_000), 250);
    assert.equal(waitForDue(99_000, 10_000), 250);
    assert.equal(waitForDue(null, 10_000), 250);
  });

  it("does not spin when this machine's clock is ahead", () => {
    assert.equal(waitForDue(9_000, 10_000), 5);
  });

  it("goes on at once when there may be more", async () => {
    const step = (promoted: number) =>
      dueLoop({ promote: async () => ({ promoted, nextDueMs: 10_100 }) }, () => 10_000).step(
        new AbortController().signal,
      );
    assert.deepEqual([await step(999), await step(1_000)], [100, 0]);
  });
});

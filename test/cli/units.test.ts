import assert from "node:assert/strict";
import { count, formatDuration } from "../../worker/src/cli/output/units.ts";

describe("units for people", () => {
  it("writes durations in the two largest units", () => {
    const shown = [0, 999.4, 999.6, 12_340, 59_949, 59_951, 245_000, 3_599_600, 7_800_000, 273_600_000];
    assert.deepEqual(shown.map(formatDuration), [
      "0 ms",
      "999 ms",
      "1.0 s",
      "12.3 s",
      "59.9 s",
      "1 m 00 s",
      "4 m 05 s",
      "1 h 00 m",
      "2 h 10 m",
      "3 d 04 h",
    ]);
  });

  it("shows no negative duration when clocks differ", () => {
    assert.equal(formatDuration(-5), "0 ms");
  });

  it("counts with the plural", () => {
    assert.deepEqual(
      [count(1, "task"), count(0, "task"), count(12_345, "task")],
      ["1 task", "0 tasks", "12,345 tasks"],
    );
  });
});

import assert from "node:assert/strict";
import { AtMostEvery, PerSecond } from "../../worker/src/runtime/event-limits.ts";

describe("AtMostEvery", () => {
  it("lets the first through, then one a period, with the number held back", () => {
    const limit = new AtMostEvery(60_000);
    const passed = [0, 1, 59_999, 60_000, 60_001, 200_000].map((now) => limit.pass(now));
    assert.deepEqual(passed, [0, null, null, 2, null, 1]);
  });
});

describe("PerSecond", () => {
  it("lets the limit through in every second and counts the rest", () => {
    const limit = new PerSecond(2);
    const passed = [1_000, 1_500, 1_999, 1_999, 2_000, 2_001, 2_002].map((now) => limit.pass(now));
    assert.deepEqual(passed, [true, true, false, false, true, true, false]);
    assert.equal(limit.takeExcess(), 3);
    assert.equal(limit.takeExcess(), 0);
  });
});

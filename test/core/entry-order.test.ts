import assert from "node:assert/strict";
import { compareEntryIds } from "../../worker/src/core/entry-order.ts";

describe("order of entry ids", () => {
  it("is that of their numbers, time before sequence", () => {
    const ordered = ["9-0", "9-1", "10-0", "999-10", "1000-2", "1000-9", "1000-10", "1001-0"];
    const reversed = [...ordered].reverse();
    assert.deepEqual(reversed.sort(compareEntryIds), ordered);
    assert.equal(compareEntryIds("5-5", "5-5"), 0);
  });
});

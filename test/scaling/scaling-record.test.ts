import assert from "node:assert/strict";
import { encodeScaling, parseScaling, recordOf, stateOf } from "../../worker/contract/scaling-record.ts";

const SEEN = {
  decidedAtMs: 9_000,
  pending: 7,
  busyWorkers: 2,
  liveWorkers: 3,
  address: "http://127.0.0.1:1",
};

describe("scaling record", () => {
  it("comes back from the hash as it was, so that a new leader goes on with the state", () => {
    for (const idleSinceMs of [null, 0, 8_000]) {
      const state = { idleSinceMs, desired: 4 };
      const record = recordOf({ desired: 4, reason: "warm-pool", state }, SEEN);
      const read = parseScaling(encodeScaling(record));
      assert.deepEqual(read, { ...SEEN, desired: 4, reason: "warm-pool", idleSinceMs });
      assert.deepEqual(stateOf(record), state);
    }
  });

  it("is null where nothing was decided, or by a law that is not known", () => {
    assert.equal(parseScaling({}), null);
    assert.equal(parseScaling({ desired: "3", reason: "astrology" }), null);
  });
});

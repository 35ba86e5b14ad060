import assert from "node:assert/strict";
import {
  encodeOrder,
  obey,
  parseOrder,
  type ScalingOrder,
  sameOrder,
} from "../../worker/contract/scaling-order.ts";

const LAW = { desired: 5, reason: "backlog", state: { idleSinceMs: 77, desired: 5 } } as const;
const manual = (workers: number, atMs = 0): ScalingOrder => ({ mode: "manual", workers, atMs });
const PAUSED: ScalingOrder = { mode: "paused", atMs: 9_000 };

describe("scaling order", () => {
  it("comes back from the hash as it was", () => {
    for (const order of [manual(0, 1_000), manual(10_000, 2_000), PAUSED, { mode: "law" } as const])
      assert.deepEqual(parseOrder(encodeOrder(order)), order);
  });

  it("is none where the hash says what is not known", () => {
    for (const hash of [
      { mode: "lunar" },
      { mode: "manual", workers: "-1" },
      { mode: "manual", workers: "x" },
    ])
      assert.deepEqual(parseOrder(hash as Record<string, string>), { mode: "law" });
  });

  it("is new when mode or number differ, not when it is said again", () => {
    assert.equal(sameOrder(manual(3, 1), manual(3, 2)), true);
    assert.equal(sameOrder(manual(3), manual(4)), false);
    assert.equal(sameOrder(manual(3), PAUSED), false);
    assert.equal(sameOrder({ mode: "law" }, { mode: "law" }), true);
  });

  it("stands above the law, whose idle time goes on", () => {
    assert.equal(obey({ mode: "law" }, LAW, 2), LAW);
    assert.deepEqual(obey(manual(0), LAW, 2), {
      desired: 0,
      reason: "manual",
      state: { idleSinceMs: 77, desired: 0 },
    });
    assert.deepEqual(obey(PAUSED, LAW, 2), {
      desired: 2,
      reason: "paused",
      state: { idleSinceMs: 77, desired: 2 },
    });
  });
});

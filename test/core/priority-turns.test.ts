import assert from "node:assert/strict";
import { PriorityTurns } from "../../worker/src/core/priority-turns.ts";

describe("priority turns", () => {
  it("give each priority its weight in every ten turns", () => {
    const turns = new PriorityTurns();
    assert.deepEqual(turns.next(10), { high: 6, normal: 3, low: 1 });
    assert.deepEqual(turns.next(100), { high: 60, normal: 30, low: 10 });
  });

  it("go on where the last call ended, so that one slot at a time starves nobody", () => {
    const turns = new PriorityTurns();
    const one = () => {
      const { high, normal } = turns.next(1);
      return high === 1 ? "h" : normal === 1 ? "n" : "l";
    };
    assert.equal(Array.from({ length: 10 }, one).join(""), "hnhhnhlhnh");
    assert.equal(Array.from({ length: 10 }, one).join(""), "hnhhnhlhnh");
  });

  it("add up to what was asked for, however it is cut", () => {
    const turns = new PriorityTurns();
    const sum = { high: 0, normal: 0, low: 0 };
    for (const count of [1, 7, 13, 2, 27]) {
      const { high, normal, low } = turns.next(count);
      assert.equal(high + normal + low, count);
      sum.high += high;
      sum.normal += normal;
      sum.low += low;
    }
    assert.deepEqual(sum, { high: 30, normal: 15, low: 5 });
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { atLeast, retryDelay } from "../../worker/src/core/retry-delay.ts";

const middle = () => 0.5;

describe("retry delay", () => {
  it("doubles from the base and stops at the cap", () => {
    const spacing = { baseMs: 2_000, maxMs: 10_000, jitter: 0.2 };
    const delays = [1, 2, 3, 4, 5, 2_000].map((attempt) => retryDelay(attempt, spacing, middle));
    assert.deepEqual(delays, [2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });

  it("is spread by the jitter either way, after the cap", () => {
    const spacing = { baseMs: 1_000, maxMs: 1_500, jitter: 0.2 };
    const at = (random: number) => retryDelay(2, spacing, () => random);
    assert.deepEqual([at(0), at(0.25), at(0.5), at(0.75)], [1_200, 1_350, 1_500, 1_650]);
  });

  it("of base 0 is 0, however many attempts there were", () => {
    assert.equal(retryDelay(5_000, { baseMs: 0, maxMs: 10, jitter: 1 }, middle), 0);
  });

  it("is a whole number within the bounds, and never shorter for a later attempt", () => {
    const spacing = fc.record({
      baseMs: fc.integer({ min: 0, max: 3_600_000 }),
      maxMs: fc.integer({ min: 0, max: 86_400_000 }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), spacing, random, (attempt, spaced, drawn) => {
        const delay = retryDelay(attempt, spaced, () => drawn);
        const doubled = spaced.baseMs === 0 ? 0 : spaced.baseMs * 2 ** (attempt - 1);
        const plain = Math.min(doubled, spaced.maxMs);
        assert(Number.isInteger(delay));
        assert(
          delay >= Math.floor(plain * (1 - spaced.jitter)) && delay <= Math.ceil(plain * (1 + spaced.jitter)),
        );
        assert(retryDelay(attempt + 1, spaced, () => drawn) >= delay);
      }),
    );
  });

  it("is as long as a service asks for, spread upwards only, and a day at most", () => {
    const spread = { jitter: 0.2 };
    assert.equal(
      atLeast(2_000, 60_000, spread, () => 0),
      60_000,
    );
    assert.equal(
      atLeast(2_000, 60_000, spread, () => 0.5),
      66_000,
    );
    assert.equal(
      atLeast(90_000, 60_000, spread, () => 1),
      90_000,
    );
    assert.equal(
      atLeast(2_000, Number.POSITIVE_INFINITY, spread, () => 0),
      86_400_000,
    );
    for (const nothing of [undefined, 0, -1, Number.NaN, "60000"])
      assert.equal(
        atLeast(2_000, nothing, spread, () => 1),
        2_000,
      );
  });
});

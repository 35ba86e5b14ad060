import assert from "node:assert/strict";
import fc from "fast-check";
import { fetchCount, PREFETCH_WAIT_MS } from "../../worker/src/core/fetch-count.ts";

const situation = fc.record({
  concurrency: fc.integer({ min: 1, max: 1024 }),
  batchSize: fc.integer({ min: 1, max: 4096 }),
  held: fc.nat(6000),
  meanRunMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
});

describe("fetchCount", () => {
  it("asks for the free slots while run times are unknown or long", () => {
    assert.equal(fetchCount({ concurrency: 4, batchSize: 8, held: 1, meanRunMs: null }), 3);
    assert.equal(fetchCount({ concurrency: 4, batchSize: 8, held: 4, meanRunMs: 1001 }), 0);
    assert.equal(fetchCount({ concurrency: 4, batchSize: 2, held: 0, meanRunMs: null }), 2);
  });

  it("prefetches what the slots work off in time, at most a batch", () => {
    assert.equal(fetchCount({ concurrency: 4, batchSize: 8, held: 4, meanRunMs: 1000 }), 1);
    assert.equal(fetchCount({ concurrency: 4, batchSize: 8, held: 4, meanRunMs: 500 }), 2);
    assert.equal(fetchCount({ concurrency: 4, batchSize: 8, held: 4, meanRunMs: 1 }), 8);
    assert.equal(fetchCount({ concurrency: 4, batchSize: 8, held: 9, meanRunMs: 0 }), 3);
    assert.equal(fetchCount({ concurrency: 4, batchSize: 8, held: 12, meanRunMs: 0 }), 0);
  });

  it("never asks for more than a batch, nor holds more than a batch beyond the slots", () => {
    fc.assert(
      fc.property(situation, (s) => {
        const count = fetchCount(s);
        assert.ok(Number.isInteger(count) && count >= 0 && count <= s.batchSize);
        if (count > 0) assert.ok(s.held + count <= s.concurrency + s.batchSize);
      }),
    );
  });

  it("always fills the free slots, up to a batch", () => {
    fc.assert(
      fc.property(situation, (s) => {
        const free = Math.max(0, s.concurrency - s.held);
        assert.ok(fetchCount(s) >= Math.min(free, s.batchSize));
      }),
    );
  });

  it("lets no prefetched task wait longer than the bound, at the mean run time", () => {
    fc.assert(
      fc.property(situation, (s) => {
        const beyond = s.held + fetchCount(s) - s.concurrency;
        if (fetchCount(s) === 0 || beyond <= 0) return;
        assert.ok(s.meanRunMs !== null && (beyond * s.meanRunMs) / s.concurrency <= PREFETCH_WAIT_MS);
      }),
    );
  });
});

import assert from "node:assert/strict";
import { MeanRunTime } from "../../worker/src/runtime/mean-run-time.ts";

describe("the mean run time", () => {
  it("is unknown at first, then the first run's, then moves a fifth of the way", () => {
    const mean = new MeanRunTime();
    assert.equal(mean.valueMs, null);
    mean.add(100);
    assert.equal(mean.valueMs, 100);
    mean.add(200);
    assert.equal(mean.valueMs, 120);
  });

  it("never falls below 0", () => {
    const mean = new MeanRunTime();
    mean.add(-5_000);
    assert.equal(mean.valueMs, 0);
  });
});

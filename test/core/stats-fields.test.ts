import assert from "node:assert/strict";
import { RUNTIME_BUCKETS } from "../../worker/contract/metrics.ts";
import { parseStatsField, runtimeBucket, type StatsField } from "../../worker/contract/stats-fields.ts";

const FIELDS: readonly (readonly [text: string, field: StatsField])[] = [
  ["enqueued:k", { name: "enqueued", kind: "k" }],
  ["parked:k", { name: "parked", kind: "k" }],
  ["live:k", { name: "live", kind: "k" }],
  ["task:k:h:success", { name: "task", kind: "k", handler: "h", status: "success" }],
  ["runtime-ms:k:h:retry", { name: "runtime-ms", kind: "k", handler: "h", status: "retry" }],
  ["runtime:k:h:dead:18", { name: "runtime", kind: "k", handler: "h", status: "dead", bucket: 18 }],
  ["fail:h:timeout", { name: "fail", handler: "h", reason: "timeout" }],
  ["exit:signal", { name: "exit", reason: "signal" }],
  ["late", { name: "late" }],
  ["reclaimed", { name: "reclaimed" }],
  ["released", { name: "released" }],
  ["poisoned", { name: "poisoned" }],
  ["newer-version", { name: "newer-version" }],
  ["requeued", { name: "requeued" }],
  ["circuit-opened", { name: "circuit-opened" }],
  ["max-workers", { name: "max-workers" }],
];

describe("stats fields", () => {
  for (const [text, field] of FIELDS) {
    it(`${text} is parsed`, () => {
      assert.deepEqual(parseStatsField(text), field);
    });
  }

  it("of other versions are left alone", () => {
    for (const text of ["", "unknown:k", "task:k", "runtime:k:h:success", "fail:h", "exit"])
      assert.equal(parseStatsField(text), undefined, text);
  });

  it("a run time falls into the first bucket whose bound holds it", () => {
    assert.deepEqual([0, 5, 5.001, 10, 3_600_000, 3_600_001].map(runtimeBucket), [0, 0, 1, 1, 17, 18]);
    assert.equal(RUNTIME_BUCKETS.length, 18);
  });
});

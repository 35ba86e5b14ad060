import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../../components/spec/units.ts";

describe("units of the spec", () => {
  it("reads bare numbers as seconds and bytes", () => {
    assert.deepEqual([parseDuration(45), parseDuration(0), parseSize(1024)], [45, 0, 1024]);
  });

  it("reads numbers with a unit", () => {
    const durations = ["45 s", "500 ms", "100 ms", "5 min", "1.5 h", "7 d", "45s"].map(parseDuration);
    assert.deepEqual(durations, [45, 0.5, 0.1, 300, 5400, 604_800, 45]);
    const sizes = ["10 B", "2 KiB", "512 MiB", "2 GiB", "1.5 KiB"].map(parseSize);
    assert.deepEqual(sizes, [10, 2048, 536_870_912, 2_147_483_648, 1536]);
  });

  it("takes nothing else", () => {
    const odd = [
      "",
      "s",
      "45",
      "-1 s",
      "1 m",
      "1 GB",
      "1 S",
      "1e3 s",
      "5 toString",
      -1,
      Number.NaN,
      null,
      true,
      [1],
    ];
    assert.deepEqual(
      odd.map(parseDuration).filter((value) => value !== undefined),
      [],
    );
    assert.deepEqual(
      odd.map(parseSize).filter((value) => value !== undefined),
      [],
    );
  });

  it("writes the largest unit that gives a whole number", () => {
    assert.deepEqual([0, 0.05, 1, 90, 300, 604_800].map(formatDuration), [
      "0 s",
      "50 ms",
      "1 s",
      "90 s",
      "5 min",
      "7 d",
    ]);
    assert.deepEqual([0, 1023, 2048, 536_870_912].map(formatSize), ["0 B", "1023 B", "2 KiB", "512 MiB"]);
  });

  it("reads what it writes", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), (amount) => {
        assert.equal(parseDuration(formatDuration(amount)), amount);
        assert.equal(parseSize(formatSize(amount)), amount);
      }),
    );
  });
});

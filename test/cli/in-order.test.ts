import assert from "node:assert/strict";
import fc from "fast-check";
import { batches } from "../../worker/src/cli/map/batches.ts";
import { InOrder } from "../../worker/src/cli/map/in-order.ts";

describe("results in order", () => {
  it("hands on the prefix that is complete, as soon as it is", () => {
    const emitted: string[][] = [];
    const order = new InOrder<string>((items) => emitted.push([...items]));
    order.put(2, "c");
    order.put(0, "a");
    order.put(1, "b");
    order.put(3, "d");
    assert.deepEqual(emitted, [["a"], ["b", "c"], ["d"]]);
  });

  it("hands on everything once and in order, whatever the order of arrival", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }).chain((n) => shuffled(n)),
        (arrival) => {
          const emitted: number[] = [];
          const order = new InOrder<number>((items) => emitted.push(...items));
          for (const place of arrival) order.put(place, place);
          assert.deepEqual(
            emitted,
            [...arrival].sort((a, b) => a - b),
          );
        },
      ),
    );
  });

  it("lets a later batch wait for a place, or for the abort", async () => {
    const order = new InOrder<string>(() => {});
    const ending = new AbortController();
    const seen: string[] = [];
    const first = order.reached(1, ending.signal).then(() => seen.push("first"));
    const second = order.reached(2, ending.signal).then(() => seen.push("second"));
    order.put(0, "a");
    await first;
    assert.deepEqual(seen, ["first"]);
    ending.abort();
    await second;
    assert.equal(order.next, 1);
  });
});

describe("batches of files", () => {
  const files = (sizes: readonly number[]) =>
    sizes.map((size, index) => ({ index, name: `f${index}`, size }));

  it("are cut at the number of files and at the bytes; a file over the bytes stands alone", () => {
    const cut = [...batches(files([1, 1, 1, 9, 30, 2, 2]), { maxFiles: 2, maxBytes: 10 })];
    assert.deepEqual(
      cut.map((batch) => batch.map(({ size }) => size)),
      [[1, 1], [1, 9], [30], [2, 2]],
    );
  });
});

function shuffled(length: number): fc.Arbitrary<number[]> {
  const places = Array.from({ length }, (_, place) => place);
  return fc.shuffledSubarray(places, { minLength: length, maxLength: length });
}

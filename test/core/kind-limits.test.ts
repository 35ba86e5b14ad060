import assert from "node:assert/strict";
import fc from "fast-check";
import {
  effectiveLimits,
  formatKindLimits,
  type KindLimits,
  limitsProblem,
  parseKindLimits,
} from "../../worker/contract/kind-limits.ts";

const kind = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const count = fc.integer({ min: 1, max: 100_000 });
const plain = { noNullPrototype: true };
const rate = fc.record({ tasks: count, perMs: fc.integer({ min: 1, max: 86_400_000 }) }, plain);
const limits: fc.Arbitrary<KindLimits> = fc.oneof(
  fc.record({ concurrency: count }, plain),
  fc.record({ rate }, plain),
  fc.record({ concurrency: count, rate }, plain),
);

describe("limits of kinds as text", () => {
  it("reads both forms, in any order", () => {
    const { limits: read, wrong } = parseKindLimits([
      "llm=100/60s",
      "mail=1/0.25s",
      "llm=4",
      "x.y_z-1=100000",
    ]);
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      [...read],
      [
        ["llm", { rate: { tasks: 100, perMs: 60_000 }, concurrency: 4 }],
        ["mail", { rate: { tasks: 1, perMs: 250 } }],
        ["x.y_z-1", { concurrency: 100_000 }],
      ],
    );
  });

  it("names everything that is none, out of bounds, or there twice", () => {
    const bad = [
      ...["llm", "=4", "llm=", "llm=0", "llm=100001", "llm=4.5", "llm=-1", "llm=1e3", "a b=1", "llm= 4"],
      ...["llm=0/60s", "llm=4/0s", "llm=4/60", "llm=4/60min", "llm=4/86401s", "llm=4/0.0001s", "a=1=2"],
    ];
    const { limits: read, wrong } = parseKindLimits(["ok=1", ...bad, "ok=2", "ok=3/1s", "ok=3/1s"]);
    assert.deepEqual(wrong, [...bad, "ok=2", "ok=3/1s"]);
    assert.deepEqual([...read], [["ok", { concurrency: 1, rate: { tasks: 3, perMs: 1_000 } }]]);
  });

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, limits)), (pairs) => {
        const written = new Map(pairs);
        const { limits: read, wrong } = parseKindLimits(formatKindLimits(written));
        assert.deepEqual(wrong, []);
        assert.deepEqual(read, written);
      }),
    );
  });

  it("never throws, and takes nothing that its bounds refuse", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (items) => {
        const { limits: read, wrong } = parseKindLimits(items);
        assert.ok(wrong.every((item) => items.includes(item)));
        for (const one of read.values()) assert.equal(limitsProblem(one), undefined);
      }),
    );
  });
});

describe("the limits that count", () => {
  const handlers = [
    { kind: "llm", limits: { concurrency: 9, rate: { tasks: 100, perMs: 60_000 } } },
    { kind: "mail", limits: { concurrency: 1 } },
    { kind: "free" },
  ];

  it("are the handlers' own, and the fleet's before them, one by one", () => {
    const fleet = new Map<string, KindLimits>([
      ["llm", { concurrency: 4 }],
      ["free", { concurrency: 7 }],
      ["unknown", { concurrency: 1 }],
    ]);
    assert.deepEqual(Object.fromEntries(effectiveLimits(handlers, fleet)), {
      llm: { concurrency: 4, rate: { tasks: 100, perMs: 60_000 } },
      mail: { concurrency: 1 },
      free: { concurrency: 7 },
      unknown: { concurrency: 1 },
    });
    assert.deepEqual(effectiveLimits([{ kind: "free" }], new Map()), new Map());
  });

  it("are checked where a handler declares them", () => {
    assert.equal(limitsProblem({ concurrency: 1.5 }), "concurrency");
    assert.equal(limitsProblem({ rate: { tasks: 0, perMs: 5 } }), "rate.tasks");
    assert.equal(limitsProblem({ concurrency: 1, rate: { tasks: 1, perMs: Number.NaN } }), "rate.perMs");
    assert.equal(limitsProblem({}), undefined);
  });
});

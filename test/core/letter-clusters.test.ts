import assert from "node:assert/strict";
import type { DeadLetter } from "../../worker/contract/records.ts";
import { LetterClusters } from "../../worker/src/core/letter-clusters.ts";

const letter = (id: string, buried_at: number, message: string, kind = "k"): DeadLetter => ({
  v: 1,
  id,
  kind,
  payload: "{}",
  options: "",
  enqueued_at: 1,
  attempts: 1,
  deliveries: 0,
  errors: [{ attempt: 1, at: 1, message, reason: "exit", worker_id: "worker-a" }],
  buried_at,
  message: `Moved to DLQ: ${message}`,
});

describe("clusters of dead letters", () => {
  it("count their letters, tell first and last, and show the last one; the largest comes first", () => {
    const clusters = new LetterClusters();
    clusters.add([letter("a", 10, "row 1 is late"), letter("b", 20, "row 1 is bad")]);
    clusters.add([letter("c", 30, "row 2 is bad"), letter("d", 40, "row 9 is bad", "other")]);
    const shown = clusters.ranked().map(({ fingerprint: _, ...cluster }) => cluster);
    assert.deepEqual(shown, [
      { count: 2, kind: "k", reason: "exit", first_at: 20, last_at: 30, message: "row 2 is bad", id: "c" },
      {
        count: 1,
        kind: "other",
        reason: "exit",
        first_at: 40,
        last_at: 40,
        message: "row 9 is bad",
        id: "d",
      },
      { count: 1, kind: "k", reason: "exit", first_at: 10, last_at: 10, message: "row 1 is late", id: "a" },
    ]);
  });

  it("cut a long message", () => {
    const clusters = new LetterClusters();
    clusters.add([letter("a", 10, "x".repeat(1_000))]);
    assert.equal(clusters.ranked()[0]?.message.length, 400);
  });
});

import assert from "node:assert/strict";
import { isTaskId, newTaskId } from "../../worker/src/core/task-id.ts";

describe("task ids", () => {
  it("are UUIDs of version 7 that carry their time", () => {
    const id = newTaskId(0x0123456789ab);
    assert.match(id, /^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert(isTaskId(id));
  });

  it("differ, beyond one pool of random bytes", () => {
    const ids = Array.from({ length: 2_000 }, () => newTaskId(1));
    assert.equal(new Set(ids).size, 2_000);
    assert.equal(new Set(ids.map((id) => id.slice(15))).size, 2_000, "the random part differs too");
  });

  it("sort by time", () => {
    const ids = [1, 255, 256, 65_536, 2 ** 32, 2 ** 40].map((ms) => newTaskId(ms));
    assert.deepEqual([...ids].sort(), ids);
  });

  it("of callers may be 1 to 128 letters, digits, dots, underscores, colons and hyphens", () => {
    for (const id of ["a", "A.b_c:d-9", "x".repeat(128)]) assert(isTaskId(id), id);
    for (const id of ["", "x".repeat(129), "a b", "a\n", "a@b", "ä", 5, null, undefined])
      assert(!isTaskId(id), String(id));
  });
});

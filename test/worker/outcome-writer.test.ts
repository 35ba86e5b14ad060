import assert from "node:assert/strict";
import type { Outcome } from "../../worker/src/runtime/outcome.ts";
import { OutcomeWriter } from "../../worker/src/runtime/outcome-writer.ts";
import { deliveredTask } from "./support/tasks.ts";

const release = (id: string): Outcome => ({ type: "release", task: deliveredTask({ id }) });
const bury = (id: string): Outcome => ({
  type: "bury",
  task: deliveredTask({ id }),
  runtimeMs: 1,
  error: { attempt: 3, at: 0, message: "", reason: "handler", worker_id: "w" },
});

/** A queue that notes its calls; the first `failures` of them fail. */
function setUp(failures = 0) {
  const calls: string[] = [];
  const written: string[] = [];
  const failed: unknown[] = [];
  let left = failures;
  const note = (name: string) => async (items: readonly object[]) => {
    const tasks = items as readonly ({ id: string } | { task: { id: string } })[];
    calls.push(`${name} ${tasks.map((item) => ("task" in item ? item.task.id : item.id)).join(",")}`);
    if (left-- > 0) throw new Error("down");
    return items.map((_item, at) => at !== 1);
  };
  const queue = {
    settle: note("settle"),
    retry: note("retry"),
    bury: note("bury"),
    release: note("release"),
  };
  const writer = new OutcomeWriter({
    queue,
    onWritten: ({ id }, accepted) => written.push(`${id} ${accepted}`),
    onFailure: (error) => failed.push(error),
  });
  return { writer, calls, written, failed };
}

describe("OutcomeWriter", () => {
  it("collects what ends together into one call a kind of outcome", async () => {
    const { writer, calls, written } = setUp();
    for (const outcome of [release("a"), bury("b"), release("c")]) writer.add(outcome);
    await writer.drained();
    assert.deepEqual(calls, ["bury b", "release a,c"]);
    assert.deepEqual(written.sort(), ["a true", "b true", "c false"]);
  });

  it("keeps what was not taken until it is, together with what came meanwhile", async () => {
    const { writer, calls, written, failed } = setUp(2);
    writer.add(release("a"));
    await new Promise(setImmediate);
    writer.add(release("b"));
    await writer.drained();
    assert.deepEqual(calls, ["release a", "release a,b", "release a,b"]);
    assert.deepEqual(written, ["a true", "b false"]);
    assert.equal(failed.length, 2);
  });

  it("can be given up", async () => {
    const { writer, written } = setUp(Number.POSITIVE_INFINITY);
    writer.add(release("a"));
    writer.stop();
    await writer.drained();
    assert.deepEqual(written, []);
  });
});

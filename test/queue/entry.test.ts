import assert from "node:assert/strict";
import { readEntry } from "../../worker/src/adapters/redis/entry.ts";

function optionsOf(text: string) {
  const fields = ["v", "1", "id", "t", "kind", "k", "payload", "1", "options", text];
  const entry = readEntry({ stream: "s", priority: "normal", entryId: "1-0" }, fields);
  assert.ok(!entry.newer);
  return entry.task.options;
}

describe("an entry's options", () => {
  it("are the limits that it names", () => {
    assert.deepEqual(optionsOf('{"timeoutMs":1500,"maxAttempts":2}'), { timeoutMs: 1500, maxAttempts: 2 });
    assert.deepEqual(optionsOf('{"agentId":"agent-7"}'), { agentId: "agent-7" });
    assert.deepEqual(optionsOf(""), {});
  });

  it("leave out what is no limit, so that it neither ends a task at once nor retries it for ever", () => {
    const odd = [
      "null",
      "[1]",
      "7",
      '"x"',
      "{",
      '{"timeoutMs":"x","maxAttempts":"y"}',
      '{"timeoutMs":-1}',
      '{"agentId":"a b"}',
    ];
    for (const text of odd) assert.deepEqual(optionsOf(text), {}, text);
  });
});

import assert from "node:assert/strict";
import { formatOf, readTaskFile } from "../../worker/src/cli/input/task-file.ts";

describe("a file of tasks", () => {
  it("is read by its name: JSON, JSON Lines, or by its looks", () => {
    assert.deepEqual(["a.json", "a.JSONL", "a.ndjson", "tasks", "-"].map(formatOf), [
      "json",
      "jsonl",
      "jsonl",
      "detect",
      "detect",
    ]);
  });

  it("takes every field of a task, durations in seconds", () => {
    const line = `{"kind":"k","payload":[1],"id":"a","delay":1.5,"timeout":0.25,"max_attempts":7,"priority":"low","agent_id":"ag-1"}`;
    assert.deepEqual(readTaskFile(line, "jsonl"), {
      tasks: [
        {
          place: "line 1",
          task: {
            ...{ kind: "k", payload: [1], id: "a", delayMs: 1500, timeoutMs: 250, maxAttempts: 7 },
            priority: "low",
            agentId: "ag-1",
          },
        },
      ],
      problems: [],
    });
  });

  it("gives tasks without a kind the one of the command line, and without a payload an empty one", () => {
    const { tasks } = readTaskFile(`{}\n{"kind":"b","payload":null}\n`, "jsonl", "a");
    assert.deepEqual(
      tasks.map(({ task }) => task),
      [
        { kind: "a", payload: {} },
        { kind: "b", payload: null },
      ],
    );
  });

  it("counts lines as an editor does: empty ones too, with CRLF and a byte order mark", () => {
    const { tasks, problems } = readTaskFile(`\uFEFF{"kind":"a"}\r\n\r\n{"kind":}\r\n`, "jsonl");
    assert.deepEqual(
      tasks.map(({ place, task }) => [place, task.kind]),
      [["line 1", "a"]],
    );
    assert.deepEqual(problems, [`line 3: not JSON: Unexpected token '}', "{"kind":}" is not valid JSON`]);
  });

  it("reads an array of tasks, one task over many lines, and lines, when the name does not say", () => {
    const kinds = (text: string) => readTaskFile(text, "detect").tasks.map(({ task }) => task.kind);
    assert.deepEqual(kinds(`[{"kind":"a"},\n{"kind":"b"}]`), ["a", "b"]);
    assert.deepEqual(kinds(`{\n"kind": "a"\n}`), ["a"]);
    assert.deepEqual(kinds(`{"kind":"a"}\n{"kind":"b"}`), ["a", "b"]);
  });

  it("names each wrong field of each task", () => {
    const text = `[{"kind":1,"delay":-1,"colour":"red"},7,{"payload":{}},{"kind":"a","timeout":0,"max_attempts":0,"id":5,"priority":"top"}]`;
    assert.deepEqual(readTaskFile(text, "json").problems, [
      "task 1: colour: no such field; a task has kind, payload, delay, timeout, max_attempts, priority, id, agent_id, traceparent, tracestate",
      "task 1: kind: a text, not 1",
      "task 1: delay: seconds, 0 or more, not -1",
      "task 2: a task is an object, not 7",
      "task 3: kind: is missing",
      "task 4: id: a text, not 5",
      "task 4: timeout: seconds, 0.001 or more, not 0",
      "task 4: max_attempts: a whole number from 1 to 100, not 0",
      'task 4: priority: one of high, normal, low, not "top"',
    ]);
  });

  it("refuses an id that stands twice: one of the two would silently be left out", () => {
    const { problems } = readTaskFile(`{"kind":"a","id":"x"}\n{"kind":"b","id":"x"}`, "jsonl");
    assert.deepEqual(problems, [`line 2: id: "x" stands at line 1 already`]);
  });

  it("has at least one task", () => {
    for (const text of ["", "\n\n", "[]"])
      assert.deepEqual(readTaskFile(text, "detect").problems, ["no task in it"]);
  });
});

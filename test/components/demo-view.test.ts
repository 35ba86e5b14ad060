import assert from "node:assert/strict";
import { pidOfLeader } from "../../components/cli/demo/chaos.ts";
import { bar, frame } from "../../components/cli/demo/live-view.ts";
import type { Status } from "../../components/cli/demo/queue-command.ts";
import { flakyTasks, longTask, pushLines } from "../../components/cli/demo/tasks.ts";

const worker = (worker_id: string, holding: number) => ({
  worker_id,
  holding,
  pid: 1,
  host: "h",
  state: holding > 0 ? ("busy" as const) : ("idle" as const),
  slots: 4,
  running: {},
  image_tag: "",
  revision: "",
  started_at: 0,
  address: "",
});

describe("the demo's live view", () => {
  it("draws a bar of exactly its width", () => {
    assert.equal(bar(0.25, 8), "██░░░░░░");
    assert.equal(bar(2, 4), "████");
    assert.equal(bar(-1, 4), "░░░░");
  });

  it("shows tasks done, what waits and each worker", () => {
    const status: Status = {
      queue: { waiting: 3, running: 2, delayed: 1, deadLetters: 5 },
      workers: [worker("a", 2), worker("b", 0)],
      leader: "x-12-ab",
      kinds: [],
      counters: { late: 0, reclaimed: 0 },
    };
    assert.deepEqual(frame(status, 8), [
      `  tasks    ${bar(0.25)} 2 of 8`,
      "  queue    3 waiting, 2 running, 1 due later, 5 dead-lettered",
      "  workers  ■□ 1 busy, 1 free",
    ]);
  });
});

describe("the demo's tasks", () => {
  it("fail twice, or for ever, and have ids of their run", () => {
    const tasks = flakyTasks("run");
    const counts = Object.groupBy(tasks, ({ expect }) => expect);
    assert.equal(counts["success-on-third-run"]?.length, 20);
    assert.equal(counts.dead?.length, 5);
    assert.equal(new Set(tasks.map(({ id }) => id)).size, 25);
  });

  it("are pushed as one JSON object a line", () => {
    assert.equal(
      pushLines([longTask("run", "killed", 8)]),
      '{"kind":"sleep","id":"run-killed","payload":{"ms":8000,"steps":2}}\n',
    );
  });
});

describe("the leader's pid", () => {
  it("is read from its name, also when the host's name has dashes and digits", () => {
    assert.equal(pidOfLeader("ip-10-0-3-4711-0a1b2c3d"), 4711);
  });

  it("is refused when the name holds none", () => {
    assert.throws(() => pidOfLeader("spawner"), /holds no pid/);
  });
});

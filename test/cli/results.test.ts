import assert from "node:assert/strict";
import type { DeadLetter, ResultRecord } from "../../worker/contract/records.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./fleet.ts";
import { finished, jsonLine, jsonLines } from "./support.ts";

describe("results, cancelling and waiting", function () {
  this.timeout(60_000);
  let fleet: TestFleet;

  before(async () => {
    fleet = await TestFleet.start();
    await fleet.startSpawner();
    await fleet.startWorker("worker-a", { TASKFLEET_IMAGE_TAG: "bundle:sha256:test" });
  });
  after(() => fleet.stop());

  const push = (id: string, kind: string, payload: unknown, words: readonly string[] = []) =>
    fleet.cli(["push", kind, "--id", id, "--payload", JSON.stringify(payload), ...words]);

  it("push --wait prints the id, how the task ended and its output", async () => {
    const { code, out, err } = await push("wc", "word-count", { text: "a b\nc" }, ["--wait"]);
    assert.deepEqual([code, err], [0, ""]);
    const lines = out.split("\n");
    assert.deepEqual(lines.slice(0, 5), [
      "wc",
      "id       wc",
      "status   success",
      "kind     word-count",
      "runs     1",
    ]);
    assert.ok(lines.includes("image    bundle:sha256:test"));
    assert.deepEqual(JSON.parse(lines.slice(9).join("\n")), { lines: 2, words: 3, characters: 5 });
  });

  it("push --wait --json prints nothing but the outcomes, in the order of the tasks", async () => {
    const input = ["sleep", "word-count"].map((kind, at) =>
      JSON.stringify({ kind, id: `w${at}`, payload: at === 0 ? { ms: 300 } : { text: "x" } }),
    );
    const { code, out } = await fleet.cli(["push", "-", "--wait", "--json"], { input: input.join("\n") });
    assert.equal(code, 0);
    assert.deepEqual(
      jsonLines(out).map(({ id, status }) => [id, status]),
      [
        ["w0", "success"],
        ["w1", "success"],
      ],
    );
  });

  it("a task that fails twice succeeds in its third run", async () => {
    const { code, out } = await push("third", "flaky", { failures: 2 }, ["--wait", "--json"]);
    const result = jsonLine(out).result as ResultRecord;
    assert.deepEqual([code, result.attempts, result.output], [0, 3, { attempt: 3 }]);
  });

  it("shows a dead letter as such, and ends with 1", async () => {
    assert.equal((await push("dead", "flaky", { failures: 9 }, ["--max-attempts", "1", "--wait"])).code, 1);
    const { code, out } = await fleet.cli(["result", "dead"]);
    assert.equal(code, 1);
    assert.match(
      out,
      /^id +dead\nstatus +dead\nkind +flaky\nruns +1\nburied .*\n {2}run 1 on worker-a: run 1 fails/,
    );
    const { dead_letter: letter } = jsonLine((await fleet.cli(["result", "--json", "dead"])).out);
    assert.equal((letter as DeadLetter).message, "Moved to DLQ: run 1 fails, as the payload asks");
  });

  it("reads many at once: a failed task counts more than a missing one, which ends with 4", async () => {
    await push("missing", "sleep", { ms: 1 }, ["--delay", "3600"]);
    const both = await fleet.cli(["result", "third", "missing", "--json"]);
    assert.deepEqual([both.code, jsonLines(both.out).map(({ status }) => status)], [4, ["success", "open"]]);
    assert.equal((await fleet.cli(["result", "missing", "dead", "third"])).code, 1);
    assert.equal((await fleet.cli(["result", "third", "third"])).code, 0);
  });

  it("tells a task that nobody knows from one that waits", async () => {
    await push("waits", "sleep", { ms: 1 }, ["--delay", "3600"]);
    const { code, out } = await fleet.cli(["result", "nobody"]);
    const why = "no such task: it was never pushed here, or its result has expired";
    assert.deepEqual([code, out], [1, `id      nobody\nstatus  unknown\n        ${why}\n`]);
    const waiting = await fleet.cli(["result", "waits"]);
    assert.deepEqual(
      [waiting.code, waiting.out],
      [4, "id      waits\nstatus  open\n        waits or runs\n"],
    );
    const both = await fleet.cli(["result", "--json", "waits", "nobody"]);
    assert.deepEqual(
      [both.code, jsonLines(both.out)],
      [
        1,
        [
          { id: "waits", status: "open" },
          { id: "nobody", status: "unknown" },
        ],
      ],
    );
    const waited = await fleet.cli(["result", "nobody", "--timeout", "0.1"]);
    assert.deepEqual([waited.code, waited.err], [4, "not known (yet), waited for all the same: nobody\n"]);
  });

  it("ends a wait after its time with 4", async () => {
    await push("late", "sleep", { ms: 1 }, ["--delay", "3600"]);
    const { code, out } = await fleet.cli(["result", "late", "--timeout", "0.2", "--json"]);
    assert.deepEqual([code, jsonLines(out)], [4, [{ id: "late", status: "open" }]]);
  });

  it("cancels a delayed task at once, a running one through its worker, and an ended one not at all", async () => {
    await push("soon", "sleep", { ms: 1 }, ["--delay", "3600"]);
    await push("long", "sleep", { ms: 3_600_000 });
    const holding = async () => jsonLines((await fleet.cli(["workers", "--json"])).out)[0]?.holding === 1;
    await waitFor("the running task", holding);
    const { code, out } = await fleet.cli(["cancel", "soon", "long"]);
    assert.deepEqual(
      [code, out],
      [0, "soon  cancelled before it ran\nlong  runs; its worker was asked to stop it\n"],
    );
    const ended = await fleet.cli(["result", "--wait", "--json", "soon", "long"]);
    assert.deepEqual(
      [ended.code, jsonLines(ended.out).map(({ status }) => status)],
      [1, ["cancelled", "cancelled"]],
    );
    const again = await fleet.cli(["cancel", "--json", "soon", "nobody"]);
    assert.equal(again.code, 1);
    assert.deepEqual(jsonLines(again.out), [
      { id: "soon", state: "settled" },
      { id: "nobody", state: "unknown" },
    ]);
  });

  it("ends a wait on SIGINT with 130 and leaves the task alone", async () => {
    await push("kept", "sleep", { ms: 1 }, ["--delay", "3600"]);
    const child = fleet.startCli(["result", "--wait", "kept"]);
    const end = finished(child);
    const subscribed = async () => {
      const [, listeners] = await fleet.redis.client.pubsub("NUMSUB", "{peagen.tasks}:settled");
      return Number(listeners) === 1;
    };
    await waitFor("the wait", subscribed);
    child.kill("SIGINT");
    assert.equal((await end).code, 130);
    assert.equal((await fleet.cli(["cancel", "kept"])).code, 0);
  });

  it("pauses and resumes: pushes are accepted, nothing runs meanwhile", async () => {
    assert.equal((await fleet.cli(["queue", "pause"])).out, "peagen.tasks is paused\n");
    await push("paused", "word-count", { text: "" });
    assert.equal((await fleet.cli(["result", "paused", "--timeout", "0.5"])).code, 4);
    assert.equal((await fleet.cli(["queue", "resume"])).out, "peagen.tasks is open\n");
    assert.equal((await fleet.cli(["result", "paused", "--wait"])).code, 0);
  });
});

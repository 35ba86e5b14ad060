import assert from "node:assert/strict";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./support/fleet.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

const SECRET = ["hunter", "2-and-more"].join("");

describe("a worker's tasks", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  let worker: WorkerProcess;

  before(async () => {
    server = await startRedis();
    fleet = new TestFleet(server);
    worker = await fleet.worker({ WORKER_CONCURRENCY: "6", MY_API_TOKEN: SECRET }).ready();
  });
  after(async () => {
    await fleet.close();
    await server.stop();
  });

  const started = (id: string) => worker.logged("run_dispatched", (record) => record.task_id === id);

  it("get one result that says who ran them", async () => {
    const id = await fleet.push("execute", { command: ["tr", "a-z", "A-Z"], stdin: "hello" });
    const result = await fleet.result(id);
    assert.equal((result.output as { stdout: string }).stdout, "HELLO");
    assert.deepEqual(
      [result.status, result.attempts, result.handler_version, result.image_tag, result.worker_id],
      ["success", 1, "1.1.0", "bundle:sha256:test", worker.id],
    );
    assert.ok(
      (result.started_at ?? 0) >= result.enqueued_at && result.finished_at >= (result.started_at ?? 0),
    );
  });

  it("see nothing of the worker's environment", async () => {
    const id = await fleet.push("execute", { command: ["env"] });
    const { stdout } = (await fleet.result(id)).output as { stdout: string };
    assert.match(stdout, /^HOME=.*taskfleet-execute-/m);
    assert.doesNotMatch(stdout, /TOKEN|REDIS|TASKFLEET|WORKER/);
  });

  it("that fail run three times in all, then stand in the dead-letter queue with their history", async () => {
    const id = await fleet.push("fails");
    const letter = await fleet.letter(id);
    assert.deepEqual(
      letter.errors.map(({ attempt, message, reason, worker_id }) => [attempt, message, reason, worker_id]),
      [1, 2, 3].map((attempt) => [attempt, `run ${attempt}`, "handler", worker.id]),
    );
    assert.equal(letter.message, "Moved to DLQ: run 3");
    assert.equal(await fleet.stat("task:fails:fails:retry"), "2");
    assert.equal(await fleet.stat("task:fails:fails:dead"), "1");
    const logged = worker.of("run_failed").filter(({ task_id }) => task_id === id);
    assert.deepEqual(
      logged.map(({ level, attempt, next, reason, why }) => [level, attempt, next, reason, why]),
      [
        ["warning", 1, "retry", "handler", "run 1"],
        ["warning", 2, "retry", "handler", "run 2"],
        ["warning", 3, "bury", "handler", "run 3"],
      ],
    );
  });

  it("that fail twice succeed the third time", async () => {
    const result = await fleet.result(await fleet.push("third-time"));
    assert.deepEqual([result.status, result.output, result.attempts], ["success", 3, 3]);
  });

  it("may have their own number of runs", async () => {
    const letter = await fleet.letter(await fleet.push("fails", {}, { maxAttempts: 1 }));
    assert.equal(letter.errors.length, 1);
  });

  it("that fail for good end at once, with their output", async () => {
    const result = await fleet.result(await fleet.push("fails-for-good"));
    assert.deepEqual(
      [result.status, result.output, result.error, result.attempts],
      ["error", { seen: 1 }, { message: "never", reason: "handler" }, 1],
    );
  });

  it("are refused when their payload does not fit the schema, or carries the worker's own secret", async () => {
    const misfit = await fleet.result(await fleet.push("sleep", { ms: "long" }));
    assert.equal(misfit.error?.reason, "payload");
    assert.match(misfit.error?.message ?? "", /^payload\.ms: "long" must be integer/);
    const leak = await fleet.result(await fleet.push("execute", { command: ["echo", `x${SECRET}`] }));
    assert.equal(leak.error?.reason, "secret");
    assert.match(leak.error?.message ?? "", /^payload\.command\[1\]: holds a secret .*MY_API_TOKEN/);
    assert.ok(!JSON.stringify(leak).includes(SECRET));
  });

  it("of a kind that no worker here knows are retried, then dead-lettered", async () => {
    const letter = await fleet.letter(await fleet.push("unheard-of"));
    assert.deepEqual(
      letter.errors.map(({ reason }) => reason),
      ["kind", "kind", "kind"],
    );
  });

  it("are cancelled before they run, and while they run", async () => {
    const waiting = await fleet.push("sleep", { ms: 0 }, { delayMs: 60_000 });
    assert.deepEqual(await fleet.queue.producer.cancel([waiting]), ["cancelled"]);
    const running = await fleet.push("sleep", { ms: 60_000 });
    await started(running);
    assert.deepEqual(await fleet.queue.producer.cancel([running]), ["requested"]);
    const result = await fleet.result(running);
    assert.deepEqual(
      [result.status, result.error],
      ["cancelled", { message: "cancelled while it ran", reason: "cancelled" }],
    );
  });

  it("that are cancelled may return what they have", async () => {
    const id = await fleet.push("partial", { ms: 60_000 });
    await started(id);
    await fleet.queue.producer.cancel([id]);
    const result = await fleet.result(id);
    assert.deepEqual([result.status, result.output], ["cancelled", { reason: "cancelled" }]);
  });

  it("that do not obey are ended by force, and their late return is not heard", async () => {
    const cancelled = await fleet.push("stubborn", { ms: 2_000 });
    const late = await fleet.push("stubborn", { ms: 2_000 }, { timeoutMs: 100, maxAttempts: 1 });
    await Promise.all([started(cancelled), started(late)]);
    await fleet.queue.producer.cancel([cancelled]);
    const first = await fleet.result(cancelled);
    const letter = await fleet.letter(late);
    assert.deepEqual([first.status, "output" in first], ["cancelled", false]);
    assert.deepEqual(
      letter.errors.map(({ reason, message }) => [reason, message]),
      [["timeout", "took longer than its limit of 100 ms"]],
    );
  });

  it("report progress with the next heartbeat", async () => {
    const id = await fleet.push("sleep", { ms: 60_000 });
    const report = await waitFor("the report", async () =>
      (await fleet.queue.workers.list()).find(({ progress }) => progress?.[id] !== undefined),
    );
    assert.deepEqual(report.progress?.[id], { done: 0.5, note: "half way" });
    assert.deepEqual([report.state, report.slots, report.running], ["busy", 6, { sleep: 1 }]);
    const log = await worker.logged("sleeping", (record) => record.task_id === id);
    assert.deepEqual([log.level, log.kind, log.ms], ["info", "sleep", 60_000]);
    await fleet.queue.producer.cancel([id]);
    await fleet.result(id);
  });

  it("that run a program end with all of it when they are cancelled", async () => {
    const id = await fleet.push("execute", {
      command: ["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"],
    });
    await started(id);
    await fleet.queue.producer.cancel([id]);
    const result = await fleet.result(id);
    assert.equal(result.status, "cancelled");
  });
});

describe("tasks in threads", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  let worker: WorkerProcess;

  before(async () => {
    server = await startRedis();
    fleet = new TestFleet(server);
    worker = await fleet.worker().ready();
  });
  after(async () => {
    await fleet.close();
    await server.stop();
  });

  it("return, log and report from there", async () => {
    const id = await fleet.push("which-thread");
    const { output } = await fleet.result(id);
    const { threadId, taskId } = output as { threadId: number; taskId: string };
    assert.ok(threadId > 0);
    assert.equal(taskId, id);
    assert.equal((await worker.logged("in a thread")).task_id, id);
  });

  it("keep their reason and output when they fail for good", async () => {
    const result = await fleet.result(await fleet.push("thread-fails"));
    assert.deepEqual([result.error, result.output], [{ message: "no", reason: "exit" }, { kept: true }]);
  });

  it("keep the class of what they throw", async () => {
    const letter = await fleet.letter(await fleet.push("thread-throws", {}, { maxAttempts: 1 }));
    assert.equal(letter.errors[0]?.message, "RangeError: too far");
  });

  it("are retried when the thread ends under them", async () => {
    const letter = await fleet.letter(await fleet.push("thread-exits", {}, { maxAttempts: 2 }));
    assert.equal(letter.errors.length, 2);
    assert.match(letter.errors[0]?.message ?? "", /thread ended in the middle/);
  });

  it("hear of a cancel", async () => {
    const id = await fleet.push("thread-waits");
    await worker.logged("listening", (record) => record.task_id === id);
    await fleet.queue.producer.cancel([id]);
    const result = await fleet.result(id);
    assert.deepEqual([result.status, result.output], ["cancelled", { reason: "cancelled" }]);
  });

  it("that never let go are timed out, while neighbours and heartbeats go on", async () => {
    const endless = await fleet.push("spin", {}, { timeoutMs: 6_000, maxAttempts: 1 });
    await worker.logged("run_dispatched", (record) => record.task_id === endless);
    const seen = async () => (await fleet.queue.workers.list())[0]?.seen_at ?? 0;
    const first = await seen();
    const neighbour = await fleet.result(await fleet.push("sleep", { ms: 10 }));
    assert.equal(neighbour.status, "success");
    await waitFor("two heartbeats", async () => (await seen()) > first + 500);
    assert.deepEqual(await fleet.queue.results.read([endless]), [{ state: "open" }]);
    assert.equal((await fleet.letter(endless)).errors[0]?.reason, "timeout");
  });
});

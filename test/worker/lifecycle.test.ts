import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "../../worker/src/adapters/processes/process-identity.ts";
import { depth, setPaused } from "../../worker/src/adapters/redis/queue-status.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./support/fleet.ts";
import type { LogRecord, WorkerProcess } from "./support/worker-process.ts";

const events = (worker: WorkerProcess) => worker.records.map(({ message }) => message);
const of = (id: string) => (record: LogRecord) => record.task_id === id;

describe("a worker's life", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());
  beforeEach(() => {
    fleet = new TestFleet(server);
  });
  afterEach(() => fleet.close());

  /** Two tasks that a worker of one slot takes in one read: it knows from a task before that runs are short. */
  async function prefetch(kind: string, ms: number): Promise<[first: string, prefetched: string]> {
    await fleet.result(await fleet.push("sleep", { ms: 0 }));
    const [first, second] = await fleet.queue.producer.enqueue([
      { kind, payload: { ms } },
      { kind: "sleep", payload: { ms: 0 } },
    ]);
    assert.ok(first !== undefined && second !== undefined);
    await waitFor("both to be held", async () => (await fleet.queue.workers.list())[0]?.holding === 2);
    return [first.id, second.id];
  }

  it("logs its events in order, and a healthy one never says error", async () => {
    const worker = fleet.worker({ WORKER_CONCURRENCY: "3" });
    const id = await fleet.push("sleep", { ms: 0 });
    await fleet.result(id);
    worker.signal("SIGTERM");
    assert.equal(await worker.ended(), 0);
    assert.deepEqual(events(worker), [
      "worker_pool_starting",
      "sandbox_unavailable",
      "skills_initialized",
      "worker_pool_poll",
      "run_dispatched",
      "sleeping",
      "worker_pool_signal_received",
      "worker_pool_shutting_down",
      "worker_pool_stopped",
    ]);
    assert.equal(worker.of("worker_pool_starting")[0]?.concurrency, 3);
    const skills = worker.of("skills_initialized")[0]?.skills as string[];
    assert.deepEqual(skills.slice(0, 3), ["execute", "http", "spin"]);
    assert.equal(worker.of("worker_pool_signal_received")[0]?.signal, "SIGTERM");
    assert.equal(worker.of("worker_pool_stopped")[0]?.graceful, true);
    assert.doesNotMatch(worker.output, /error/i);
    assert.deepEqual(await fleet.queue.workers.list(), []);
  });

  it("writes lines for people with LOG_JSON=0, without the word error too", async () => {
    const worker = fleet.worker({ LOG_JSON: "0" });
    await fleet.result(await fleet.push("sleep", { ms: 0 }));
    worker.signal("SIGINT");
    await worker.ended();
    assert.match(worker.output, /INFO.*worker_pool_starting/);
    assert.doesNotMatch(worker.output, /error|^\{/im);
  });

  it("logs 100 dispatches a second one by one and sums up the others", async () => {
    const worker = await fleet.worker({ WORKER_CONCURRENCY: "50", WORKER_BATCH_SIZE: "200" }).ready();
    const tasks = Array.from({ length: 1_000 }, () => ({ kind: "sleep", payload: { ms: 0 } }));
    const pushed = await fleet.queue.producer.enqueue(tasks);
    const ids = pushed.map(({ id }) => id);
    await waitFor("all results", async () =>
      (await fleet.queue.results.read(ids)).every(({ state }) => state === "settled"),
    );
    worker.signal("SIGTERM");
    await worker.ended();
    const dispatched = worker.of("run_dispatched");
    const summed = dispatched.reduce((sum, { count }) => sum + (typeof count === "number" ? count : 1), 0);
    assert.equal(summed, 1_000);
    assert.ok(dispatched.some(({ count }) => typeof count === "number"));
  });

  it("finishes what runs after SIGTERM, takes nothing more and hands back what waits", async () => {
    // With two in hand it asks for no third: a read that waits at Redis might be given what is pushed below.
    const one = await fleet.worker({ WORKER_CONCURRENCY: "1", WORKER_BATCH_SIZE: "1" }).ready();
    const [running, prefetched] = await prefetch("stubborn", 1_500);
    await one.logged("run_dispatched", of(running));
    one.signal("SIGTERM");
    const state = await one.logged("worker_pool_shutting_down");
    assert.deepEqual([state.running, state.prefetched], [1, 1]);
    const left = await fleet.push("sleep", { ms: 0 });
    assert.equal(await one.ended(), 0);
    assert.equal((await fleet.result(running)).output, "late");
    assert.equal(await fleet.stat("released"), "1");
    const open = [{ state: "open" }, { state: "open" }];
    assert.deepEqual(await fleet.queue.results.read([prefetched, left]), open);
    const two = fleet.worker();
    for (const id of [prefetched, left]) assert.equal((await fleet.result(id)).worker_id, two.id);
  });

  it("hands back what does not finish in time; another worker finishes it, with one result", async () => {
    const one = await fleet.worker({ TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT: "0.2" }).ready();
    const id = await fleet.push("sleep", { ms: 3_000 });
    const stubborn = await fleet.push("stubborn", { ms: 3_000 });
    await Promise.all([one.logged("run_dispatched", of(id)), one.logged("run_dispatched", of(stubborn))]);
    one.signal("SIGTERM");
    assert.equal(await one.ended(), 0);
    assert.equal(one.of("worker_pool_stopped")[0]?.graceful, false);
    assert.equal(await fleet.stat("released"), "2");
    const two = await fleet.worker().ready();
    const results = [await fleet.result(id), await fleet.result(stubborn)];
    assert.deepEqual(
      results.map(({ status, attempts, worker_id }) => [status, attempts, worker_id]),
      [
        ["success", 1, two.id],
        ["success", 1, two.id],
      ],
    );
    assert.equal(await fleet.stat("task:sleep:sleep:success"), "1");
  });

  it("hands everything back at once after a second signal, and ends its programs", async () => {
    const worker = await fleet.worker({ TASKFLEET_CANCEL_GRACE: "60" }).ready();
    const folder = mkdtempSync(join(tmpdir(), "second-signal-"));
    const file = join(folder, "pid");
    const command = [
      "sh",
      "-c",
      `trap '' TERM; echo $$ > ${file}.new; mv ${file}.new ${file}; sleep 60; sleep 60`,
    ];
    const ids = [await fleet.push("execute", { command }), await fleet.push("stubborn", { ms: 60_000 })];
    const pid = await waitFor("the program", () => existsSync(file) && Number(readFileSync(file, "utf8")));
    await Promise.all(ids.map((id) => worker.logged("run_dispatched", of(id))));
    worker.signal("SIGTERM");
    await worker.logged("worker_pool_shutting_down");
    worker.signal("SIGTERM");
    assert.equal(await worker.ended(), 0);
    assert.equal(await fleet.stat("released"), "2");
    assert.deepEqual(await fleet.queue.results.read(ids), [{ state: "open" }, { state: "open" }]);
    await waitFor("the program's end", () => identify(Number(pid)) === null);
    rmSync(folder, { recursive: true });
  });

  it("ends by itself when it was idle for long enough, not before its tasks are done", async () => {
    const id = await fleet.push("stubborn", { ms: 2_000 });
    // Long enough for its first read.
    const worker = fleet.worker({ WORKER_IDLE_EXIT: "1" });
    assert.equal(await worker.ended(), 0);
    assert.equal((await fleet.result(id)).status, "success");
    assert.equal(worker.of("worker_pool_stopped")[0]?.reason, "idle");
  });

  it("finishes its tasks and ends when it is old enough", async () => {
    // There before the worker, whose first second may be over soon.
    const id = await fleet.push("stubborn", { ms: 2_000 });
    const worker = fleet.worker({ WORKER_MAX_UPTIME: "1", WORKER_CONCURRENCY: "1" });
    assert.equal(await worker.ended(), 0);
    assert.equal((await fleet.result(id)).worker_id, worker.id);
    const [stopped] = worker.of("worker_pool_stopped");
    assert.deepEqual([stopped?.reason, stopped?.graceful], ["uptime", true]);
  });

  it("finishes its tasks, too, when a signal comes while it already ends for its age", async () => {
    const id = await fleet.push("stubborn", { ms: 2_500 });
    const worker = fleet.worker({ WORKER_MAX_UPTIME: "1" });
    await worker.logged("worker_pool_shutting_down");
    worker.signal("SIGTERM");
    await worker.logged("worker_pool_signal_received");
    assert.equal(await worker.ended(), 0);
    assert.equal((await fleet.result(id)).worker_id, worker.id);
    assert.equal(worker.of("worker_pool_stopped")[0]?.graceful, true);
  });

  it("takes nothing while the queue is paused", async () => {
    const worker = await fleet.worker().ready();
    await setPaused(fleet.queue.redis, fleet.queue.stream, true);
    const id = await fleet.push("sleep", { ms: 0 });
    const beats = async () => (await fleet.queue.workers.list())[0]?.seen_at ?? 0;
    const before = await beats();
    await waitFor("two heartbeats", async () => (await beats()) > before + 600);
    assert.deepEqual(worker.of("run_dispatched"), []);
    await setPaused(fleet.queue.redis, fleet.queue.stream, false);
    assert.equal((await fleet.result(id)).status, "success");
  });

  it("goes on at once when the queue is resumed, and ends at once while it is paused", async () => {
    const worker = await fleet.worker({ WORKER_POLL_INTERVAL: "60" }).ready();
    await waitFor("its first read", async () => (await fleet.queue.redis.exists(fleet.queue.keys.low)) === 1);
    const { redis, stream } = fleet.queue;
    await setPaused(redis, stream, true);
    const id = await fleet.push("sleep", { ms: 0 });
    // The read that waited before the pause brings it, and it goes back; the next one rests.
    await waitFor("the task's return", async () => (await fleet.stat("released")) === "1");
    await setPaused(redis, stream, false);
    assert.equal((await fleet.result(id)).status, "success");
    await setPaused(redis, stream, true);
    await fleet.push("sleep", { ms: 0 });
    worker.signal("SIGTERM");
    assert.equal(await worker.ended(), 0);
    assert.equal((await depth(redis, stream)).waiting, 1);
  });

  it("keeps its tasks by heartbeats beyond their lease, prefetched ones too", async () => {
    // Two of three heartbeats may come late on a busy machine.
    const leaseMs = 2_400;
    const worker = await fleet
      .worker({ TASKFLEET_LEASE: String(leaseMs / 1_000), WORKER_CONCURRENCY: "1" })
      .ready();
    const [first, second] = await prefetch("sleep", leaseMs + 1_600);
    await worker.logged("run_dispatched", of(first));
    const sweep = setInterval(() => {
      void fleet.queue.keeper.reclaim({ leaseMs, maxDeliveries: 5 });
    }, 100);
    try {
      for (const id of [first, second]) assert.equal((await fleet.result(id)).status, "success");
      assert.equal(await fleet.stat("reclaimed"), undefined);
    } finally {
      clearInterval(sweep);
    }
  });

  it("drops what was taken back from it while it was stopped, and goes on", async () => {
    const worker = await fleet.worker().ready();
    const id = await fleet.push("sleep", { ms: 1_000 });
    await worker.logged("run_dispatched", of(id));
    worker.signal("SIGSTOP");
    const reclaimed = await fleet.queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 5 });
    assert.deepEqual(reclaimed.requeued, [id]);
    worker.signal("SIGCONT");
    const result = await fleet.result(id);
    assert.deepEqual([result.status, result.worker_id], ["success", worker.id]);
    assert.equal(await fleet.stat("task:sleep:sleep:success"), "1");
    assert.equal(worker.of("run_dispatched").filter(of(id)).length, 2);
  });

  it("says which settings and handlers are wrong, and does not start", async () => {
    const settings = fleet.worker({ WORKER_CONCURRENCY: "none", LOG_JSON: "perhaps" });
    assert.equal(await settings.ended(), 2);
    assert.match(settings.output, /2 settings are wrong:\n {2}- WORKER_CONCURRENCY is "none"/);
    const folder = mkdtempSync(join(tmpdir(), "bad-handlers-"));
    writeFileSync(join(folder, "bad.mjs"), "export default 1;");
    const handlers = fleet.worker({ TASKFLEET_HANDLERS: folder });
    assert.equal(await handlers.ended(), 1);
    assert.match(handlers.output, /bad\.mjs: exports 1; allowed: a handler/);
    rmSync(folder, { recursive: true });
  });
});

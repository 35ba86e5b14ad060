import assert from "node:assert/strict";
import { age, bury, reportOf, resultOf, type TestQueue } from "../support/queue.ts";
import { assertProblem } from "./problem.ts";
import { makeKey, type TestApi, withApi } from "./support.ts";

const NOBODY = { waiting: 0, delayed: 0, dead: 0 };

describe("the queue over the API", () => {
  let queue: TestQueue;
  let api: TestApi;
  withApi((...made) => {
    [queue, api] = made;
  });
  const push = (...tasks: readonly object[]) => api.post("/api/tasks", { tasks });
  const cancel = async (id: string) => (await api.call("POST", `/api/tasks/${id}/cancel`)).body;

  it("cancels in every state: a running task is asked to stop, an ended one stays as it is", async () => {
    const consumer = queue.consumer("w");
    await push({ kind: "k", id: "running", priority: "high" });
    const running = await queue.take(consumer);
    await bury(queue, consumer, { id: "dead" });
    await push({ kind: "k", id: "done" });
    const done = await queue.take(consumer);
    await consumer.settle([{ task: done, result: resultOf(done), runtimeMs: 1 }]);
    await push({ kind: "k", id: "waiting" }, { kind: "k", id: "delayed", delay: 60 });
    const ids = ["running", "dead", "done", "waiting", "delayed", "nobody"];
    const states = [];
    for (const id of ids) states.push(await cancel(id));
    assert.deepEqual(states, [
      { id: "running", state: "requested" },
      { id: "dead", state: "settled" },
      { id: "done", state: "settled" },
      { id: "waiting", state: "cancelled" },
      { id: "delayed", state: "cancelled" },
      { id: "nobody", state: "unknown" },
    ]);
    const beat = await consumer.heartbeat([running], reportOf("w"));
    assert.deepEqual(beat.cancelled, [{ stream: queue.stream, id: "running" }]);
    const outcome = (await api.get("/api/tasks/waiting")).body as { result?: { status?: string } };
    assert.equal(outcome.result?.status, "cancelled");
    assertProblem(
      await api.post("/api/cancel", { ids: [] }),
      "invalid-request",
      "ids: must NOT have fewer than 1 items",
      {
        errors: [{ field: "ids", message: "must NOT have fewer than 1 items" }],
      },
    );
  });

  it("tells how full it is, by priority and kind", async () => {
    const consumer = queue.consumer("w");
    await push({ kind: "k", id: "held" });
    const held = await queue.take(consumer);
    await age(queue, held, "w", 5_000_000);
    await push({ kind: "k", priority: "high" }, { kind: "k" }, { kind: "k" }, { kind: "k", delay: 60 });
    const { oldest_idle_ms, ...depth } = (await api.get("/api/queue")).body;
    assert.deepEqual(depth, {
      ...{ stream: queue.stream, waiting: 3, parked: 0, running: 1, delayed: 1, due: 0, paused: false },
      ...{ waiting_by: { high: 1, normal: 2, low: 0 }, parked_by: {}, dead_letters: 0 },
    });
    assert.ok(Number(oldest_idle_ms) >= 5_000_000);
  });

  it("lists workers with what they hold, and kinds with their schemas", async () => {
    assert.deepEqual((await api.get("/api/workers")).body, { workers: [] });
    const consumer = queue.consumer("w");
    await push({ kind: "k", id: "a" });
    const task = await queue.take(consumer);
    const report = reportOf("w", {
      state: "busy",
      running: { k: 1 },
      progress: { a: { done: 0.5, note: "half" } },
    });
    await consumer.heartbeat([task], report);
    const [worker] = (await api.get("/api/workers")).body.workers as Record<string, unknown>[];
    const { seen_at, ...told } = worker as Record<string, unknown>;
    assert.deepEqual(told, { ...report, holding: 1 });
    assert.equal(typeof seen_at, "number");
    const kinds = (await api.get("/api/kinds")).body.kinds as { kind: string; payload: object }[];
    assert.deepEqual(
      kinds.map(({ kind, payload }) => [kind, Object.keys(payload)]),
      [
        ["k", ["type"]],
        ["n", ["type", "properties", "required"]],
      ],
    );
  });

  it("shows dead letters whole, of one kind or cause, and pages through all", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "a", payload: { text: "x" }, maxAttempts: 7 });
    await bury(queue, consumer, { id: "b", kind: "n" });
    await bury(queue, consumer, { id: "c" });
    const { letters } = (await api.get("/api/dlq")).body as { letters: Record<string, unknown>[] };
    const [{ enqueued_at, buried_at, ...letter } = {}] = letters as Record<string, unknown>[];
    assert.deepEqual(letter, {
      ...{ v: 1, id: "a", kind: "k", payload: '{"text":"x"}', options: '{"maxAttempts":7}' },
      ...{ attempts: 1, deliveries: 0, message: "Moved to DLQ: it broke" },
      errors: [{ attempt: 1, at: 1_500, message: "it broke", reason: "handler", worker_id: "w" }],
    });
    assert.ok(Number(enqueued_at) <= Number(buried_at));
    const ids = async (query: string) =>
      ((await api.get(`/api/dlq?${query}`)).body.letters as { id: string }[]).map(({ id }) => id);
    assert.deepEqual(await ids("kind=n"), ["b"]);
    const { clusters } = (await api.get("/api/dlq/clusters")).body as { clusters: Record<string, unknown>[] };
    assert.deepEqual(
      clusters.map(({ kind, count, id, reason }) => [kind, count, id, reason]),
      [
        ["k", 2, "c", "handler"],
        ["n", 1, "b", "handler"],
      ],
    );
    assert.deepEqual(await ids(`cluster=${clusters[0]?.fingerprint}`), ["a", "c"]);
    const bad = await api.get(`/api/dlq?cursor=${Buffer.from('["x","a"]').toString("base64url")}`);
    assert.equal(bad.body.detail, "cursor: is no `next` of a page before");
  });

  it("puts dead letters back by id, kind or cause, but for kinds that the fleet does not run", async () => {
    const consumer = queue.consumer("w");
    for (const [id, kind] of [
      ["a", "k"],
      ["b", "n"],
      ["c", "k"],
      ["d", "gone"],
    ] as const)
      await bury(queue, consumer, { id, kind });
    const requeue = async (body: object) => (await api.post("/api/dlq/requeue", body)).body;
    assert.deepEqual(await requeue({ ids: ["d", "a"] }), {
      counts: { "no-handler": 1, requeued: 1 },
      tasks: [
        { id: "d", state: "no-handler" },
        { id: "a", state: "requeued" },
      ],
    });
    assert.deepEqual(await requeue({ kind: "n" }), { counts: { requeued: 1 } });
    assert.deepEqual(await requeue({ all: true }), { counts: { "no-handler": 1, requeued: 1 } });
    assert.deepEqual(await requeue({ ids: ["a", "nobody"] }), {
      counts: { waiting: 1, unknown: 1 },
      tasks: [
        { id: "a", state: "waiting" },
        { id: "nobody", state: "unknown" },
      ],
    });
    const which = "say which dead letters: exactly one of ids, kind, cluster or all";
    for (const body of [{}, { all: false }, { all: true, kind: "k" }, { ids: ["a"], kind: "k" }])
      assertProblem(await api.post("/api/dlq/requeue", body), "invalid-request", which);
  });

  it("purges waiting and delayed tasks, or dead letters, and never what was not asked for", async () => {
    const consumer = queue.consumer("w");
    await bury(queue, consumer, { id: "dead" });
    await push(
      { kind: "k", id: "a" },
      { kind: "n", payload: { n: 1 }, id: "b" },
      { kind: "k", id: "c", delay: 60 },
    );
    const purge = async (where: string, body: object) => (await api.post(`/api/${where}/purge`, body)).body;
    const say = "say which tasks: kind, older_than or both, or all";
    assertProblem(await api.post("/api/queue/purge", {}), "invalid-request", say);
    assertProblem(await api.post("/api/dlq/purge", { dry_run: true }), "invalid-request", say);
    assert.equal((await api.post("/api/queue/purge", { all: false })).status, 400);
    assert.deepEqual(await purge("queue", { older_than: "1h" }), { purged: 0, dry_run: false, kinds: [] });
    const kinds = [
      { kind: "k", ...NOBODY, waiting: 1, delayed: 1 },
      { kind: "n", ...NOBODY, waiting: 1 },
    ];
    assert.deepEqual(await purge("queue", { all: true, dry_run: true }), { purged: 3, dry_run: true, kinds });
    assert.deepEqual(await purge("queue", { kind: "k" }), {
      purged: 2,
      dry_run: false,
      kinds: kinds.slice(0, 1),
    });
    const ends = (await api.post("/api/results", { ids: ["a", "c", "b", "dead"] })).body.tasks as {
      state: string;
    }[];
    assert.deepEqual(
      ends.map(({ state }) => state),
      ["settled", "settled", "open", "dead"],
    );
    assert.deepEqual(await purge("dlq", { all: true }), {
      ...{ purged: 1, dry_run: false },
      kinds: [{ kind: "k", ...NOBODY, dead: 1 }],
    });
    assert.equal((await api.get("/api/queue")).body.dead_letters, 0);
    const { key } = await makeKey(queue, ["queue:write"]);
    assert.equal((await api.call("POST", "/api/dlq/purge", { key, body: { all: true } })).status, 403);
  });

  it("reads results of a thousand tasks in one round trip, and refuses more", async () => {
    const ids = Array.from({ length: 1_000 }, (_, n) => `t${n}`);
    await queue.server.client.config("RESETSTAT");
    const { body } = await api.post("/api/results", { ids });
    assert.equal((body.tasks as unknown[]).length, 1_000);
    const calls = await queue.server.client.info("commandstats");
    assert.match(calls, /cmdstat_exec:calls=1,/);
    assert.match(calls, /cmdstat_mget:calls=1,/);
    const message = "must NOT have more than 1000 items";
    assertProblem(
      await api.post("/api/results", { ids: [...ids, "one-more"] }),
      "invalid-request",
      `ids: ${message}`,
      {
        errors: [{ field: "ids", message }],
      },
    );
  });
});

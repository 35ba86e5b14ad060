import assert from "node:assert/strict";
import { resultOf, type TestQueue } from "../support/queue.ts";
import { type TestApi, withApi } from "./support.ts";

describe("tasks over the API", () => {
  let queue: TestQueue;
  let api: TestApi;
  withApi((...made) => {
    [queue, api] = made;
  });

  it("pushes a task with all its fields", async () => {
    const task = {
      kind: "k",
      payload: { a: 1 },
      id: "t",
      agent_id: "me",
      timeout: 1.5,
      max_attempts: 7,
      priority: "high",
    };
    const { status, body } = await api.post("/api/tasks", task);
    assert.deepEqual([status, body], [202, { id: "t", state: "waiting" }]);
    const taken = await queue.take(queue.consumer("w"));
    assert.deepEqual(
      [taken.id, taken.kind, taken.payloadText, taken.priority, taken.options],
      ["t", "k", '{"a":1}', "high", { timeoutMs: 1500, maxAttempts: 7, priority: "high", agentId: "me" }],
    );
  });

  it("answers a delayed task and a known id by their states", async () => {
    const delayed = await api.post("/api/tasks", { kind: "k", id: "d", delay: 60 });
    assert.deepEqual([delayed.status, delayed.body], [202, { id: "d", state: "delayed" }]);
    const again = await api.post("/api/tasks", { kind: "k", id: "d", delay: 60 });
    assert.deepEqual([again.status, again.body], [200, { id: "d", state: "duplicate" }]);
  });

  it("makes a push idempotent by its header, also a batch whose answer was lost", async () => {
    const single = { "idempotency-key": "s" };
    assert.deepEqual((await api.post("/api/tasks", { kind: "k" }, single)).body, {
      id: "s",
      state: "waiting",
    });
    assert.deepEqual((await api.post("/api/tasks", { kind: "k" }, single)).status, 200);
    const other = await api.post("/api/tasks", { kind: "k", id: "t" }, single);
    assert.deepEqual([other.status, other.body.detail], [400, "Idempotency-Key: the task has another id"]);
    const batch = { tasks: [{ kind: "k" }, { kind: "n", payload: { n: 1 }, id: "own" }] };
    const header = { "idempotency-key": "b" };
    const states = (state: string) => ({
      tasks: [
        { id: "b:0", state },
        { id: "own", state },
      ],
    });
    assert.deepEqual((await api.post("/api/tasks", batch, header)).body, states("waiting"));
    assert.deepEqual((await api.post("/api/tasks", batch, header)).body, states("duplicate"));
  });

  it("pushes none of a batch when one task is refused, and names it", async () => {
    const tasks = [{ kind: "k" }, { kind: "n", payload: { n: "x" } }];
    const { status, body, headers } = await api.post("/api/tasks", { tasks });
    assert.equal(status, 422);
    assert.equal(headers.get("content-type"), "application/problem+json");
    assert.deepEqual(
      { ...body, instance: "" },
      {
        type: "urn:taskfleet:problem:task-refused",
        title: "The queue does not take this task",
        status: 422,
        detail: 'tasks[1].payload.n: "x" must be integer',
        instance: "",
        errors: [{ field: "tasks[1].payload.n", message: 'payload.n: "x" must be integer' }],
        reason: "payload",
      },
    );
    assert.equal((await api.get("/api/queue")).body.waiting, 0);
  });

  it("refuses what is no task, by field", async () => {
    const { body: none } = await api.post("/api/tasks", { kind: "nope" });
    assert.equal(none.reason, "kind");
    const fields = async (body: unknown) => {
      const answer = await api.post("/api/tasks", body);
      return [answer.status, (answer.body.errors as { field: string }[]).map(({ field }) => field)];
    };
    assert.deepEqual(await fields({ kind: "k", delay: "3" }), [400, ["delay"]]);
    assert.deepEqual(await fields({ kind: "k", zap: 1 }), [400, ["zap"]]);
    assert.deepEqual(await fields({ payload: {} }), [400, ["kind"]]);
    assert.deepEqual(await fields({ tasks: [] }), [400, ["tasks"]]);
    assert.deepEqual(await fields({ tasks: [{ kind: "k" }, { kind: "k", delay: -1 }] }), [
      400,
      ["tasks[1].delay"],
    ]);
    assert.deepEqual(
      await fields({
        tasks: [
          { kind: "k", id: "a" },
          { kind: "k", id: "a" },
        ],
      }),
      [400, ["tasks[1].id"]],
    );
    assert.deepEqual(await fields({ tasks: Array.from({ length: 501 }, () => ({ kind: "k" })) }), [
      400,
      ["tasks"],
    ]);
    assert.equal((await api.get("/api/queue")).body.waiting, 0);
  });

  it("shows nothing of a secret that it refuses", async () => {
    const secret = `sk-ant-${"a".repeat(30)}`;
    const { status, body } = await api.post("/api/tasks", { kind: "k", payload: { env: { KEY: secret } } });
    assert.deepEqual([status, body.reason], [422, "secret"]);
    assert.equal(JSON.stringify(body).includes(secret), false);
    assert.equal(api.log.join("").includes(secret), false);
  });

  it("lets a refused push spoil none of those beside it", async () => {
    const pushes = Array.from({ length: 40 }, (_, n) =>
      api.post(
        "/api/tasks",
        n % 4 === 0 ? { kind: "nope" } : { kind: "k", id: `t${n}`, priority: n % 2 ? "low" : "high" },
      ),
    );
    const answers = await Promise.all(pushes);
    for (const [n, { status, body }] of answers.entries())
      assert.deepEqual([n, status, body.id], n % 4 === 0 ? [n, 422, undefined] : [n, 202, `t${n}`]);
    const by = { high: 10, normal: 0, low: 20 };
    assert.deepEqual((await api.get("/api/queue")).body.waiting_by, by);
  });

  it("tells how tasks stand, in their order, in one round trip to Redis", async () => {
    const consumer = queue.consumer("w");
    await api.post("/api/tasks", { kind: "k", id: "done" });
    const task = await queue.take(consumer);
    const result = resultOf(task);
    await consumer.settle([{ task, result, runtimeMs: 5 }]);
    await api.post("/api/tasks", { kind: "k", id: "waits" });
    const ids = ["nobody", "waits", "done"];
    await queue.server.client.config("RESETSTAT");
    const { body } = await api.post("/api/results", { ids });
    assert.deepEqual(body.tasks, [
      { id: "nobody", state: "unknown" },
      { id: "waits", state: "open" },
      { id: "done", state: "settled", result },
    ]);
    const calls = await queue.server.client.info("commandstats");
    assert.match(calls, /cmdstat_multi:calls=1,/);
    assert.match(calls, /cmdstat_mget:calls=1,/);
    assert.deepEqual((await api.get("/api/tasks/done")).body, { id: "done", state: "settled", result });
    assert.deepEqual((await api.get("/api/tasks/nobody")).body, { id: "nobody", state: "unknown" });
  });

  it("waits for an end, and answers at the end of the wait", async () => {
    const consumer = queue.consumer("w");
    await api.post("/api/tasks", { kind: "k", id: "t" });
    assert.deepEqual((await api.get("/api/tasks/t?wait=0.05")).body, { id: "t", state: "open" });
    const waited = api.get("/api/tasks/t?wait=30");
    const task = await queue.take(consumer);
    const result = resultOf(task);
    await consumer.settle([{ task, result, runtimeMs: 5 }]);
    assert.deepEqual((await waited).body, { id: "t", state: "settled", result });
    assert.equal((await api.get("/api/tasks/t?wait=61")).status, 400);
  });

  it("cancels", async () => {
    await api.post("/api/tasks", {
      tasks: [
        { kind: "k", id: "a" },
        { kind: "k", id: "b" },
      ],
    });
    assert.deepEqual((await api.call("POST", "/api/tasks/a/cancel")).body, { id: "a", state: "cancelled" });
    const { body } = await api.post("/api/cancel", { ids: ["b", "a", "c"] });
    assert.deepEqual(body.tasks, [
      { id: "b", state: "cancelled" },
      { id: "a", state: "settled" },
      { id: "c", state: "unknown" },
    ]);
    assert.equal((await api.get("/api/queue")).body.waiting, 0);
  });
});

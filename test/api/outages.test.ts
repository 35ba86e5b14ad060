import assert from "node:assert/strict";
import {
  type ActivityStore,
  MigrationsMissingError,
  StoreUnavailableError,
} from "../../worker/src/ports/activity-store.ts";
import { migratedDatabase, openStore } from "../record/support.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { openQueue, resultOf, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { assertProblem } from "./problem.ts";
import { type Answer, FIRST_KEY, makeKey, publishKinds, TestApi } from "./support.ts";

const AWAY = "the queue cannot be asked now; a push may be repeated with the same id or Idempotency-Key";

/** Every call that asks Redis. */
const OF_REDIS = [
  ["POST", "/api/tasks", { kind: "k", id: "x" }],
  ["POST", "/api/tasks", { tasks: [{ kind: "k" }, { kind: "k" }] }],
  ["GET", "/api/tasks/x"],
  ["GET", "/api/tasks/x?wait=1"],
  ["POST", "/api/tasks/x/cancel"],
  ["POST", "/api/cancel", { ids: ["x"] }],
  ["POST", "/api/results", { ids: ["x"] }],
  ["GET", "/api/queue"],
  ["POST", "/api/queue/pause"],
  ["POST", "/api/queue/resume"],
  ["GET", "/api/dlq"],
  ["GET", "/api/dlq/clusters"],
  ["POST", "/api/dlq/requeue", { all: true }],
  ["GET", "/api/workers"],
  ["GET", "/api/kinds"],
] as const;

const callAll = (api: TestApi, key?: string): Promise<Answer[]> =>
  Promise.all(
    OF_REDIS.map(([method, path, body]) =>
      api.call(method, path, { body, ...(key === undefined ? {} : { key }) }),
    ),
  );

function assertAway(answer: Answer): void {
  assertProblem(answer, "redis-unavailable", AWAY);
  assert.equal(answer.headers.get("retry-after"), "1");
}

describe("the API without Redis", function () {
  this.timeout(60_000);
  let redis: TestRedis;
  let queue: TestQueue;
  let api: TestApi;
  beforeEach(async () => {
    redis = await startRedis();
    queue = openQueue(redis);
    await publishKinds(queue);
    api = await TestApi.start(queue);
  });
  afterEach(async () => {
    await api.close();
    queue.close();
    await redis.stop();
  });

  it("says so on every route that asks it while it is down, lives on, and serves again", async () => {
    const { key } = await makeKey(queue);
    redis.process.kill("SIGKILL");
    await waitFor("the end of the connection", () => api.parts.redis.status !== "ready");
    for (const answer of await callAll(api)) assertAway(answer);
    // A key of Redis cannot be judged either: that is no 401.
    for (const answer of await callAll(api, key)) assertAway(answer);
    assert.equal((await api.get("/api/queue", "no-key")).status, 401);
    assert.deepEqual((await api.get("/health/live", "")).body, { status: "alive" });
    assert.deepEqual((await api.get("/health", "")).body, { status: "ok" });
    for (const path of ["/health/ready", "/health/ready?only=redis"]) {
      const { status, body } = await api.get(path, "");
      assert.equal(status, 503);
      assert.match(
        JSON.stringify(body),
        /^\{"status":"not ready","errors":\["redis: not connected \(\w+\)"\]\}$/,
      );
    }
    assert.equal((await api.get("/health/ready?only=database", "")).status, 200);
    assert.equal((await api.get("/openapi.json", "")).status, 200);

    const again = await startRedis([], redis.port);
    await publishKinds(openQueue(again, queue.stream));
    await waitFor("readiness", async () => (await api.get("/health/ready", "")).status === 200);
    assert.equal((await api.post("/api/tasks", { kind: "k", id: "x" })).status, 202);
    await again.stop();
  });

  it("answers while Redis hangs, and serves again as soon as it goes on", async () => {
    await api.post("/api/tasks", { kind: "k", id: "known" });
    redis.process.kill("SIGSTOP");
    const [ready, ...answers] = await Promise.all([
      api.get("/health/ready?only=redis", ""),
      ...OF_REDIS.map(([method, path, body]) => api.call(method, path, { body })),
    ]);
    assert.deepEqual(ready?.body, { status: "not ready", errors: ["redis: no answer within 2 s"] });
    for (const answer of answers) assertAway(answer);
    redis.process.kill("SIGCONT");
    await waitFor("readiness", async () => (await api.get("/health/ready", "")).status === 200);
    assert.deepEqual((await api.get("/api/tasks/known")).body, { id: "known", state: "open" });
  });

  it("counts no call while the rate cannot be counted: it is refused", async () => {
    const limited = await TestApi.start(queue, { TASKFLEET_API_RATE: "5" });
    redis.process.kill("SIGKILL");
    await waitFor("the end of the connection", () => limited.parts.redis.status !== "ready");
    assertAway(await limited.post("/api/tasks", { kind: "k" }));
    await limited.close();
  });
});

describe("the API while Redis is full", () => {
  it("refuses pushes and requeues, and does everything else", async () => {
    const redis = await startRedis(["--maxmemory", "6mb"]);
    const queue = openQueue(redis);
    await publishKinds(queue);
    const consumer = queue.consumer("w");
    const limit = { TASKFLEET_API_RATE: "1000000", TASKFLEET_API_RATE_WINDOW: "3600" };
    const api = await TestApi.start(queue, limit);
    const { key } = await makeKey(queue);
    await api.post("/api/tasks", { tasks: ["done", "waits", "stops"].map((id) => ({ kind: "k", id })) });
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    const payload = { text: "x".repeat(20_000) };
    await waitFor(
      "the memory to be full",
      async () => (await api.post("/api/tasks", { kind: "k", payload })).status === 503,
    );
    await redis.client.config("SET", "maxmemory", "5mb");
    const full = "Redis is at its memory limit and takes no new tasks";
    for (const with_ of [FIRST_KEY, key]) {
      const single = await api.call("POST", "/api/tasks", { key: with_, body: { kind: "k" } });
      assertProblem(single, "queue-full", full);
      assert.equal(single.headers.get("retry-after"), "1");
    }
    assertProblem(
      await api.post("/api/tasks", { tasks: [{ kind: "k" }, { kind: "k" }] }),
      "queue-full",
      full,
    );
    assert.equal((await api.get("/api/tasks/done")).body.state, "settled");
    assert.deepEqual((await api.call("POST", "/api/tasks/stops/cancel")).body, {
      id: "stops",
      state: "cancelled",
    });
    assert.equal((await api.call("POST", "/api/queue/pause")).status, 200);
    assert.equal((await api.call("POST", "/api/queue/resume")).status, 200);
    for (const path of ["/api/queue", "/api/dlq", "/api/workers", "/api/kinds", "/health/ready"])
      assert.deepEqual([path, (await api.get(path)).status], [path, 200]);
    await api.close();
    queue.close();
    await redis.stop();
  });
});

describe("the API without its database", function () {
  this.timeout(60_000);
  let redis: TestRedis;
  let queue: TestQueue;
  before(async () => {
    redis = await startRedis();
    queue = openQueue(redis);
    await publishKinds(queue);
  });
  after(async () => {
    queue.close();
    await redis.stop();
  });

  it("refuses the routes that read it, and serves all others; readiness tells the two apart", async () => {
    const postgres = await startPostgres();
    const runs = await openStore(await migratedDatabase(postgres));
    const api = await TestApi.start(queue, {}, { runs });
    assert.deepEqual((await api.get("/health/ready", "")).body, { status: "ready" });
    assert.equal((await api.get("/api/runs")).status, 200);
    await postgres.crash();
    await waitFor(
      "the end of the connections",
      async () => (await api.get("/health/ready", "")).status === 503,
    );
    for (const path of ["/api/runs", "/api/runs/counts", "/api/runs/stuck", "/api/runs/a"]) {
      const answer = await api.get(path);
      assertProblem(answer, "database-unavailable", "the record of runs cannot be asked now");
      assert.equal(answer.headers.get("retry-after"), "1");
    }
    const reason = `cannot use PostgreSQL at ${runs.address}: connect ECONNREFUSED 127.0.0.1:${postgres.port}`;
    const body = { status: "not ready", errors: [`database: ${reason}`] };
    assert.deepEqual((await api.get("/health/ready", "")).body, body);
    assert.deepEqual((await api.get("/health/ready?only=database", "")).body, body);
    assert.deepEqual((await api.get("/health/ready?only=redis", "")).body, { status: "ready" });
    assert.equal((await api.post("/api/tasks", { kind: "k" })).status, 202);
    assert.equal((await api.get("/api/queue")).status, 200);
    await postgres.start();
    assert.deepEqual((await api.get("/health/ready", "")).body, { status: "ready" });
    assert.deepEqual((await api.get("/api/runs")).body, { runs: [], next: null });
    await api.close();
    await runs.close();
    await postgres.stop();
  });

  const failing = (error: Error): ActivityStore => {
    const fail = () => Promise.reject(error);
    return {
      run: fail,
      runs: fail,
      counts: fail,
      open: fail,
      ready: fail,
      position: fail,
      write: fail,
      expire: fail,
      close: async () => {},
    };
  };

  it("shows no secret of what went wrong, in answers and log", async () => {
    const secret = new StoreUnavailableError(`cannot use it: the password ${FIRST_KEY} is wrong`);
    const api = await TestApi.start(queue, {}, { runs: failing(secret) });
    assert.deepEqual((await api.get("/health/ready", "")).body, {
      status: "not ready",
      errors: ["database: cannot use it: the password [redacted] is wrong"],
    });
    await api.close();
    const bug = await TestApi.start(queue, {}, { runs: failing(new Error(`a bug with ${FIRST_KEY}`)) });
    assertProblem(await bug.get("/api/runs"), "internal", "see the API's log for this instance");
    const log = bug.log.join("");
    assert.match(log, /"message":"api_failed"/);
    assert.match(log, /a bug with \[redacted\]/);
    assert.equal(log.includes(FIRST_KEY), false);
    await bug.close();
  });

  it("names migrations that are missing", async () => {
    const api = await TestApi.start(queue, {}, { runs: failing(new MigrationsMissingError(["001", "002"])) });
    assert.deepEqual((await api.get("/health/ready?only=database", "")).body, {
      status: "not ready",
      errors: ["database: migrations are missing: 001, 002 (taskfleet db migrate)"],
    });
    assertProblem(
      await api.get("/api/runs"),
      "database-unavailable",
      "the record of runs cannot be asked now",
    );
    await api.close();
  });
});

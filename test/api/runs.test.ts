import assert from "node:assert/strict";
import pg from "pg";
import type { Run } from "../../worker/contract/runs.ts";
import { type RecordedQueue, runOf, withRecord } from "../record/support.ts";
import { assertProblem } from "./problem.ts";
import { makeKey, TestApi } from "./support.ts";

const TRACE = "00000000000000000000000000000001";

/** Statements that `work` sends to the database, but for the probes of idle connections. */
async function statements(work: () => Promise<unknown>): Promise<string[]> {
  const sent: string[] = [];
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [first] = given;
    const text = typeof first === "string" ? first : (first as { text: string }).text;
    if (text !== "SELECT 1") sent.push(text);
    return (query as (...all: unknown[]) => unknown).apply(this, given);
  } as typeof query;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = query;
  }
  return sent;
}

describe("the record over the API", () => {
  let record: RecordedQueue;
  let api: TestApi;
  withRecord((made) => {
    record = made;
  });
  beforeEach(async () => {
    api = await TestApi.start(record.queue, {}, { runs: record.store });
  });
  afterEach(() => api.close());

  const write = (...runs: readonly Run[]) =>
    record.store.write(record.queue.stream, {
      ids: runs.map(({ id }) => id),
      change: () => ({ runs, lines: [] }),
    });
  const run = (id: string, more: Partial<Run> = {}) => runOf(record.queue.stream, id, more);
  const ids = (body: Record<string, unknown>) => (body.runs as Run[]).map(({ id }) => id);
  const list = async (query: string) => ids((await api.get(`/api/runs?${query}`)).body);

  it("lists runs by status, kind, agent and time, last changed first", async () => {
    await write(
      run("a", { status: "success", updated_at: 1_000, agent_id: "x", finished_at: 900, started_at: 800 }),
      run("b", { status: "error", updated_at: 2_000, agent_id: "x", kind: "other", message: "no" }),
      run("c", { status: "running", updated_at: 3_000, started_at: 2_500, worker_id: "w", progress: 0.5 }),
      run("d", { updated_at: 4_000 }),
    );
    assert.deepEqual(await list(""), ["d", "c", "b", "a"]);
    assert.deepEqual(await list("status=success"), ["a"]);
    assert.deepEqual(await list("status=error,running"), ["c", "b"]);
    assert.deepEqual(await list("kind=other"), ["b"]);
    assert.deepEqual(await list("agent_id=x"), ["b", "a"]);
    assert.deepEqual(await list("agent_id=x&kind=k"), ["a"]);
    assert.deepEqual(await list("since=2000"), ["d", "c", "b"]);
    assert.deepEqual(await list("since=2000&until=4000"), ["c", "b"]);
    assert.deepEqual(await list("agent_id=' OR true --"), []);
    const { body } = await api.get("/api/runs?status=running");
    assert.deepEqual(body, { runs: [await expected("c")], next: null });
    const counts = { queued: 1, running: 1, success: 1, error: 1, cancelled: 0, dead: 0 };
    assert.deepEqual((await api.get("/api/runs/counts")).body, counts);
  });

  const expected = async (id: string) => {
    const { log: _, ...rest } = await record.run(id);
    return rest;
  };

  it("pages through runs that changed in one moment, each once, whatever changes meanwhile", async () => {
    const names = Array.from({ length: 7 }, (_, n) => `r${n}`);
    await write(...names.map((id) => run(id, { updated_at: 5_000 })));
    const found: string[] = [];
    let cursor = "";
    for (let pages = 1; ; pages++) {
      const { body } = await api.get(`/api/runs?limit=3${cursor}`);
      found.push(...ids(body));
      // One that was shown moves to the front, and is not shown again.
      await write(run("r6", { updated_at: 9_000, status: "success" }));
      if (body.next === null) {
        assert.equal(pages, 3);
        break;
      }
      cursor = `&cursor=${body.next}`;
    }
    assert.deepEqual(found, names.toReversed());
  });

  it("refuses a cursor, status or age that is none, and a limit out of its range", async () => {
    const bad = async (path: string, field: string, message: string) =>
      assertProblem(await api.get(path), "invalid-request", `${field}: ${message}`, {
        errors: [{ field, message }],
      });
    const none = "is no `next` of a page before";
    for (const cursor of ["x", "bnVsbA", Buffer.from('["1"]').toString("base64url")])
      await bad(`/api/runs?cursor=${cursor}`, "cursor", none);
    const injection = Buffer.from(JSON.stringify(["0; DROP TABLE runs", "a"])).toString("base64url");
    await bad(`/api/runs?cursor=${injection}`, "cursor", none);
    const words = "one or more of queued, running, success, error, cancelled, dead, with commas between them";
    await bad("/api/runs?status=done", "status", words);
    await bad("/api/runs?limit=0", "limit", "must be >= 1");
    await bad("/api/runs?limit=1001", "limit", "must be <= 1000");
    await bad("/api/runs?since=yesterday", "since", "must be integer");
    await bad("/api/runs/stuck?older_than=5", "older_than", 'must match pattern "^\\d+(\\.\\d+)?[smhd]$"');
  });

  it("lists what has been running for long, oldest first", async () => {
    const ago = (minutes: number) => ({
      ...{ status: "running" as const, started_at: Date.now() - minutes * 60_000, worker_id: "w" },
      created_at: Date.now() - minutes * 60_000,
    });
    await write(run("new", ago(20)), run("old", ago(50)), run("older", ago(100)), run("queued"));
    assert.deepEqual(ids((await api.get("/api/runs/stuck")).body), ["older", "old"]);
    assert.deepEqual(ids((await api.get("/api/runs/stuck?older_than=1h")).body), ["older"]);
    assert.deepEqual(ids((await api.get("/api/runs/stuck?older_than=600s")).body), ["older", "old", "new"]);
    assert.deepEqual(ids((await api.get("/api/runs/stuck?older_than=2d")).body), []);
  });

  it("shows a run with its log by one statement, and a page of runs by one", async () => {
    const line = { worker_id: null, message: null, attempt: null, progress: null };
    const lines = Array.from({ length: 50 }, (_, n) => ({
      ...{ ...line, id: "a", at: 1_000 + n, status: "queued" as const, message: `line ${n}` },
    }));
    await record.store.write(record.queue.stream, {
      ids: ["a"],
      change: () => ({ runs: [run("a", { trace_id: TRACE })], lines }),
    });
    let shown: Record<string, unknown> = {};
    const one = await statements(async () => {
      shown = (await api.get("/api/runs/a")).body;
    });
    assert.equal(one.length, 1, one.join("\n"));
    assert.deepEqual(shown, {
      ...run("a", { trace_id: TRACE }),
      log: lines.map(({ id: _, ...l }) => l),
    });
    const page = await statements(() => api.get("/api/runs?status=queued&limit=10"));
    assert.equal(page.length, 1, page.join("\n"));
    assertProblem(await api.get("/api/runs/nobody"), "not-found", "the record has no run of this id");
  });

  it("shows the runs of the key's streams alone", async () => {
    await write(run("mine"));
    await record.store.write("other", {
      ids: [],
      change: () => ({ runs: [runOf("other", "theirs")], lines: [] }),
    });
    const { key } = await makeKey(record.queue, ["runs:read"], { streams: [record.queue.stream] });
    assert.deepEqual(ids((await api.get("/api/runs", key)).body), ["mine"]);
    assert.equal((await api.get("/api/runs/theirs", key)).status, 404);
    assertProblem(
      await api.get("/api/runs?stream=other", key),
      "forbidden",
      "this key may not use that stream",
    );
  });

  it("says that there is no record where there is no database", async () => {
    const bare = await TestApi.start(record.queue);
    for (const path of ["/api/runs", "/api/runs/counts", "/api/runs/stuck", "/api/runs/a"])
      assertProblem(await bare.get(path), "no-record", "this API reads no record of runs");
    assert.deepEqual((await bare.get("/health/ready")).body, { status: "ready" });
    await bare.close();
  });
});

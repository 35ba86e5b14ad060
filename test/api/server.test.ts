import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { bury, type TestQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { type TestApi, withApi } from "./support.ts";

const ROUTES = [
  ...["GET /health", "GET /health/live", "GET /health/ready", "POST /api/tasks", "GET /api/tasks/{id}"],
  ...["POST /api/tasks/{id}/cancel", "POST /api/cancel", "POST /api/results", "GET /api/runs"],
  ...["GET /api/runs/counts", "GET /api/runs/stuck", "GET /api/runs/{id}", "GET /api/queue"],
  ...["POST /api/runs/reset", "GET /api/session"],
  ...["POST /api/queue/pause", "POST /api/queue/resume", "GET /api/dlq", "GET /api/dlq/clusters"],
  ...[
    "POST /api/dlq/requeue",
    "POST /api/dlq/purge",
    "POST /api/queue/purge",
    "GET /api/workers",
    "GET /api/kinds",
  ],
];

describe("the API's server", () => {
  let queue: TestQueue;
  let api: TestApi;
  withApi((...made) => {
    [queue, api] = made;
  });

  it("answers probes without a key", async () => {
    for (const [path, status] of [
      ["/health", "ok"],
      ["/health/live", "alive"],
      ["/health/ready", "ready"],
      ["/health/ready?only=redis", "ready"],
    ] as const) {
      const answer = await api.get(path, "");
      assert.deepEqual([answer.status, answer.body], [200, { status }]);
    }
  });

  it("has every route in its OpenAPI document, which is a valid one", async () => {
    const { body } = await api.get("/openapi.json", "");
    const found = Object.entries(body.paths as object).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(found.sort(), [...ROUTES].sort());
    assert.equal(body.openapi, "3.1.0");
    assert.deepEqual(await new Validator().validate(body), { valid: true });
  });

  it("has a page that loads nothing from elsewhere", async () => {
    const { headers, body } = await api.get("/docs", "");
    const links = [...String(body.text).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => String(link));
    assert.deepEqual(links, [
      ...["docs/favicon-32x32.png", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"],
    ]);
    for (const link of links) assert.equal((await api.get(`/${link}`, "")).status, 200);
    assert.match(headers.get("content-security-policy") ?? "", /script-src 'self';.*connect-src 'self';/);
    assert.doesNotMatch(String(body.text), /https?:|<script>/);
  });

  it("answers what it does not know with problems", async () => {
    const problems = async (...asked: [string, string, unknown?][]) => {
      const found: unknown[] = [];
      for (const [method, path, body] of asked) {
        const answer = await api.call(method, path, body === undefined ? {} : { body });
        assert.equal(answer.headers.get("content-type"), "application/problem+json");
        found.push([answer.status, String(answer.body.type).split(":").at(-1)]);
      }
      return found;
    };
    assert.deepEqual(
      await problems(
        ["GET", "/nothing"],
        ["GET", "/api/queue/pause"],
        ["POST", "/api/tasks", "{"],
        ["POST", "/api/tasks", `"${"x".repeat(8 * 1024 * 1024)}"`],
        ["GET", "/api/runs"],
      ),
      [
        [404, "not-found"],
        [405, "method-not-allowed"],
        [400, "invalid-request"],
        [413, "payload-too-large"],
        [501, "no-record"],
      ],
    );
    const text = await api.call("POST", "/api/tasks", {
      body: "x",
      headers: { "content-type": "text/plain" },
    });
    assert.equal(text.status, 415);
    assert.equal((await api.get("/api/queue/pause")).headers.get("allow"), "POST");
  });

  it("at its stop ends waits, and their connections with them", async () => {
    await api.post("/api/tasks", { kind: "k", id: "late", delay: 3_600 });
    const waiting = api.get("/api/tasks/late?wait=60");
    await waitFor("the wait's subscription", async () => {
      const [, listeners] = (await queue.redis.pubsub("NUMSUB", queue.keys.settledChannel)) as unknown[];
      return Number(listeners) > 0;
    });
    const closed = api.close();
    const { body, headers } = await waiting;
    assert.deepEqual([body, headers.get("connection")], [{ id: "late", state: "open" }, "close"]);
    await closed;
  });

  it("lists dead letters in pages and puts them back", async () => {
    const consumer = queue.consumer("w");
    for (const id of ["a", "b", "c"]) await bury(queue, consumer, { id });
    const first = (await api.get("/api/dlq?limit=2")).body;
    const rest = (await api.get(`/api/dlq?limit=2&cursor=${first.next}`)).body;
    const ids = (page: Record<string, unknown>) => (page.letters as { id: string }[]).map(({ id }) => id);
    assert.deepEqual([ids(first), ids(rest), rest.next], [["a", "b"], ["c"], null]);
    const [cluster] = (await api.get("/api/dlq/clusters")).body.clusters as { count: number }[];
    assert.equal(cluster?.count, 3);
    const { body } = await api.post("/api/dlq/requeue", { ids: ["b", "x"] });
    const tasks = [
      { id: "b", state: "requeued" },
      { id: "x", state: "unknown" },
    ];
    assert.deepEqual(body, { counts: { requeued: 1, unknown: 1 }, tasks });
    assert.deepEqual((await api.post("/api/dlq/requeue", { all: true })).body, { counts: { requeued: 2 } });
    assert.equal((await api.post("/api/dlq/requeue", {})).status, 400);
  });

  it("pauses and resumes", async () => {
    const paused = await api.call("POST", "/api/queue/pause");
    assert.deepEqual(paused.body, { stream: queue.stream, paused: true });
    assert.equal((await api.get("/api/queue")).body.paused, true);
    await api.call("POST", "/api/queue/resume");
    assert.equal((await api.get("/api/queue")).body.paused, false);
  });
});

import assert from "node:assert/strict";
import type { TestQueue } from "../support/queue.ts";
import { assertProblem, problem } from "./problem.ts";
import { parseRaw, raw } from "./raw.ts";
import { FIRST_KEY, makeKey, TestApi, withApi } from "./support.ts";

const HOST = "host: x\r\n";

describe("requests that the API does not serve", () => {
  let queue: TestQueue;
  let api: TestApi;
  withApi((...made) => {
    [queue, api] = made;
  });
  const post = (body: string, type = "application/json") =>
    api.call("POST", "/api/tasks", { body, headers: { "content-type": type } });

  it("without a key that counts, or with one that may not", async () => {
    const { key } = await makeKey(queue, ["queue:read"], { streams: ["other"] });
    assertProblem(
      await api.get("/api/queue", ""),
      "unauthorized",
      "send `Authorization: Bearer <key>` with a key that counts; `taskfleet api-key create` makes one",
    );
    assertProblem(await api.get("/api/kinds", key), "forbidden", "this key lacks the verb workers:read");
    assertProblem(await api.get("/api/queue", key), "forbidden", "this key may not use that stream");
    assertProblem(
      await api.get("/api/queue?stream=other", key),
      "not-found",
      "this API does not serve that stream",
    );
  });

  it("with a body that is too large, no JSON, empty, or of another type", async () => {
    assertProblem(
      await post(`"${"x".repeat(8 * 1024 * 1024)}"`),
      "payload-too-large",
      "the body is over TASKFLEET_API_MAX_BODY",
    );
    assertProblem(await post("x", "text/plain"), "unsupported-media-type", "send application/json");
    assertProblem(
      await post("{}", "multipart/form-data; boundary=x"),
      "unsupported-media-type",
      "send application/json",
    );
    for (const bad of ["{", '{"kind": "k"} x', "\u0000", '{"kind": "k", "__proto__": {}}'])
      assertProblem(await post(bad), "invalid-request", "the request or its JSON cannot be read");
    assertProblem(await post(""), "invalid-request", "the body is empty");
    const more = (message: string) => ({ errors: [{ field: "body", message }] });
    assertProblem(await post("[]"), "invalid-request", "body: must be object", more("must be object"));
    assertProblem(await post("null"), "invalid-request", "body: must be object", more("must be object"));
  });

  it("with JSON that is nested too deeply for anyone to read", async () => {
    for (const depth of [1_000, 3_000, 5_000, 10_000, 200_000]) {
      const payload = "[".repeat(depth) + "]".repeat(depth);
      const { status, body } = await post(`{"kind": "k", "payload": {"a": ${payload}}}`);
      assert.ok([202, 400, 422].includes(status), `${depth}: ${status} ${JSON.stringify(body)}`);
      // What looks like a secret is searched through once more.
      const hiding = await post(`{"kind": "k", "payload": {"aBase64": "", "a": ${payload}}}`);
      assert.ok([202, 400, 422].includes(hiding.status), `${depth}: ${JSON.stringify(hiding.body)}`);
    }
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const message = "payload: is no JSON value: Maximum call stack size exceeded";
    assertProblem(await post(`{"kind": "k", "payload": ${deep}}`), "task-refused", message, {
      ...{ errors: [{ field: "payload", message }], reason: "field" },
    });
  });

  it("of no path, of a path's other methods, and beside the page's files", async () => {
    const nowhere = "there is no such path; GET /openapi.json lists them";
    for (const path of ["/nothing", "/api", "/docs/nothing.js", "/docs/", "/API/queue"])
      assertProblem(await api.get(path), "not-found", nowhere);
    for (const path of [
      "/docs/../../package.json",
      "/docs/%2e%2e%2fpackage.json",
      "/docs/..%2f..%2fetc%2fpasswd",
    ]) {
      const answer = parseRaw(
        await raw(api.base, `GET ${path} HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`),
      );
      assert.deepEqual({ ...answer.body, instance: "" }, problem("not-found", nowhere));
    }
    const refused = await api.call("DELETE", "/api/tasks/a");
    assertProblem(refused, "method-not-allowed", "this path has GET, HEAD");
    assert.equal(refused.headers.get("allow"), "GET, HEAD");
    assertProblem(await api.call("OPTIONS", "/api/tasks"), "method-not-allowed", "this path has POST");
    assertProblem(await api.call("PATCH", "/docs"), "method-not-allowed", "this path has GET, HEAD");
    const bad = parseRaw(await raw(api.base, `GET /%zz HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`));
    assert.deepEqual(
      { ...bad.body, instance: "" },
      problem("invalid-request", "the request or its JSON cannot be read"),
    );
  });

  it("but HEAD, as GET without the body", async () => {
    const { status, headers, body } = await api.call("HEAD", "/api/queue");
    assert.deepEqual([status, body], [200, { text: "" }]);
    assert.match(headers.get("content-type") ?? "", /^application\/json/);
    assert.equal((await api.call("HEAD", "/api/queue", { key: "" })).status, 401);
  });

  it("that are no HTTP, or whose headers are too many", async () => {
    const broken = parseRaw(await raw(api.base, "NONSENSE\r\n\r\n"));
    assert.deepEqual(
      { ...broken.body, instance: "" },
      problem("invalid-request", "the request is no HTTP that can be read"),
    );
    const large = `GET /health HTTP/1.1\r\n${HOST}x: ${"y".repeat(40_000)}\r\n\r\n`;
    const overflow = parseRaw(await raw(api.base, large));
    assert.deepEqual(
      { ...overflow.body, instance: "" },
      problem("headers-too-large", "the header fields of the request are over 16 KiB"),
    );
  });

  it("that do not come to their end in time", async () => {
    const limits = { headersMs: 50, requestMs: 100, checkMs: 20 };
    const impatient = await TestApi.start(queue, {}, { limits });
    const head = `POST /api/tasks HTTP/1.1\r\n${HOST}authorization: Bearer ${FIRST_KEY}\r\n`;
    const slow = [head, `${head}content-type: application/json\r\ncontent-length: 20\r\n\r\n{"kind"`];
    for (const bytes of slow) {
      const answer = parseRaw(await raw(impatient.base, bytes));
      assert.deepEqual(
        { ...answer.body, instance: "" },
        problem("request-timeout", "the request did not come to its end in time"),
      );
    }
    await impatient.close();
  });

  it("takes ids of every length that a task may have", async () => {
    const id = "i".repeat(128);
    assert.equal((await api.post("/api/tasks", { kind: "k", id })).status, 202);
    assert.deepEqual((await api.get(`/api/tasks/${id}`)).body, { id, state: "open" });
    assert.deepEqual((await api.get(`/api/tasks/${encodeURIComponent("a:".repeat(64))}`)).body, {
      id: "a:".repeat(64),
      state: "unknown",
    });
    const long = await api.get(`/api/tasks/${id}x`);
    const message = 'must match pattern "^[A-Za-z0-9._:-]{1,128}$"';
    assertProblem(long, "invalid-request", `id: ${message}`, { errors: [{ field: "id", message }] });
  });
});

import assert from "node:assert/strict";
import { HealthServer, HealthServerError } from "../../worker/src/http/health-server.ts";

const SECRET = "open-sesame";

describe("HealthServer", () => {
  const problems: string[] = [];
  const server = new HealthServer({
    host: "127.0.0.1",
    port: 0,
    metrics: async () => "up 1\n",
    ready: async () => problems,
    secrets: [SECRET],
  });
  before(() => server.start());
  after(() => server.stop());
  afterEach(() => problems.splice(0));

  async function get(path: string, method = "GET"): Promise<[number, string]> {
    const response = await fetch(server.address + path, { method });
    return [response.status, await response.text()];
  }

  it("answers as the guide says", async () => {
    assert.deepEqual(await get("/health"), [200, '{"status":"ok"}\n']);
    assert.deepEqual(await get("/health/live"), [200, '{"status":"alive"}\n']);
    assert.deepEqual(await get("/health/ready?verbose"), [200, '{"status":"ready"}\n']);
    assert.equal((await get("/healthy"))[0], 404);
    assert.equal((await get("/health", "POST"))[0], 405);
  });

  it("is not ready with reasons, and shows no secret in them", async () => {
    problems.push("redis: connection refused", `redis: no such user at redis://:${SECRET}@host`);
    assert.deepEqual(await get("/health/ready"), [
      503,
      '{"status":"not ready","errors":["redis: connection refused","redis: no such user at redis://:[redacted]@host"]}\n',
    ]);
    assert.deepEqual(await get("/health/live"), [200, '{"status":"alive"}\n']);
  });

  it("serves metrics as Prometheus reads them", async () => {
    const response = await fetch(`${server.address}/metrics`);
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(await response.text(), "up 1\n");
  });

  it("says clearly that its port is taken", async () => {
    const port = Number(new URL(server.address).port);
    const second = new HealthServer({
      host: "127.0.0.1",
      port,
      metrics: async () => "",
      ready: async () => [],
    });
    await assert.rejects(second.start(), (error: unknown) => {
      assert.ok(error instanceof HealthServerError && error.inUse);
      assert.match(
        error.message,
        new RegExp(`^127\\.0\\.0\\.1:${port} .* is in use by another program: set TASKFLEET_HTTP`),
      );
      return true;
    });
    assert.equal(second.address, "");
    await second.stop();
  });
});

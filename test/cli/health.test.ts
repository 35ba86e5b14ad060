import assert from "node:assert/strict";
import { HealthServer } from "../../worker/src/http/health-server.ts";
import { quietPort } from "../support/quiet-port.ts";
import { cli } from "./support.ts";

describe("taskfleet health", () => {
  const problems: string[] = [];
  const server = new HealthServer({
    host: "127.0.0.1",
    port: 0,
    metrics: async () => "",
    ready: async () => problems,
  });
  before(() => server.start());
  after(() => server.stop());

  function health(...words: readonly string[]) {
    return cli(["health", ...words], { env: { TASKFLEET_HTTP_PORT: new URL(server.address).port } });
  }

  it("asks the role on the port of this environment", async () => {
    const { code, out } = await health();
    assert.deepEqual([code, out], [0, '{"status":"alive"}\n']);
  });

  it("tells a role that lives from one that can work", async () => {
    problems.push("redis: connection refused");
    const [alive, ready] = [await health(), await health("--ready")];
    assert.equal(alive.code, 0);
    assert.deepEqual(
      [ready.code, ready.out],
      [1, '{"status":"not ready","errors":["redis: connection refused"]}\n'],
    );
  });

  it("fails where nobody answers, and says where", async () => {
    const port = await quietPort();
    const { code, err } = await cli(["health", "--url", `http://127.0.0.1:${port}`]);
    assert.deepEqual(
      [code, err],
      [1, `taskfleet: http://127.0.0.1:${port} does not answer (ECONNREFUSED)\n`],
    );
  });

  it("needs a port or an address", async () => {
    const { code, err } = await cli(["health"]);
    assert.deepEqual(
      [code, err],
      [2, "taskfleet: TASKFLEET_HTTP_PORT names no port: set it, or give --url\n"],
    );
  });
});

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observabilityServices, redisPasswordMap } from "../../components/platform/observability/services.ts";
import { quietPort } from "../support/quiet-port.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { answers, end } from "./prometheus.ts";
import { needPrograms } from "./promtool.ts";

const PASSWORD = "the-password-of-the-exporters-redis";
const services = {
  spawners: [],
  workers: [],
  api: false,
  watchQueue: false,
  backup: false,
  redisExporter: true,
};

describe("the exporter for Redis", () => {
  needPrograms(["prometheus-redis-exporter"]);
  let redis: TestRedis;
  let exporter: ChildProcess;
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-exporter-"));

  before(async () => {
    redis = await startRedis();
  });
  after(async () => {
    await end(exporter);
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("logs in with the password of the file that the stack writes", async () => {
    await redis.client.config("SET", "requirepass", PASSWORD);
    const [described] = observabilityServices({ services, grafana: false, logs: false });
    assert.equal(described?.name, "redis-exporter");
    const file = join(folder, "passwords");
    const address = described.environment.REDIS_ADDR ?? "";
    writeFileSync(file, redisPasswordMap(PASSWORD).replace(address, redis.url));
    const port = await quietPort();
    exporter = spawn("prometheus-redis-exporter", [`--web.listen-address=127.0.0.1:${port}`], {
      env: { ...described.environment, REDIS_ADDR: redis.url, REDIS_PASSWORD_FILE: file },
      stdio: "ignore",
    });
    const url = `http://127.0.0.1:${port}/metrics`;
    await waitFor("the exporter", () => answers(url));
    assert.match(await (await fetch(url)).text(), /^redis_up 1$/m);
  });
});

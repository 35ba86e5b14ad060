import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { ProcessInputs } from "../../../components/hosts/process-inputs.ts";
import { redisConfig, redisPasswordHash } from "../../../components/platform/redis.ts";
import { killNow, type Recorded, TestHost } from "../../support/host-process.ts";
import { redisServer } from "../../support/redis-binary.ts";

const PASSWORD = ["a", "sample", "password"].join("-");

async function redisInputs(host: TestHost, maxMemory = 64 * 1024 ** 2): Promise<ProcessInputs> {
  const dataDirectory = join(host.directory, "data");
  const passwordFile = join(host.directory, "password");
  const passwordHash = redisPasswordHash(PASSWORD);
  const config = redisConfig({ port: "{port}", bind: "127.0.0.1", dataDirectory, maxMemory, passwordHash });
  const configFile = join(host.directory, "redis.conf");
  return host.inputs({
    name: "redis",
    command: redisServer(host.directory),
    args: [configFile],
    files: [
      { path: configFile, content: config, mode: "0600" },
      { path: passwordFile, content: PASSWORD, mode: "0600" },
    ],
    ready: { kind: "redis", passwordFile, timeoutSeconds: 15 },
    data: [dataDirectory],
  });
}

async function ask<T>(
  { boundPort }: Recorded,
  password: string | undefined,
  question: (redis: Redis) => Promise<T>,
) {
  const redis = new Redis(boundPort, "127.0.0.1", {
    ...(password === undefined ? {} : { password }),
    lazyConnect: true,
    retryStrategy: null,
  });
  redis.on("error", () => {});
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

describe("Redis as a process of the host", () => {
  let host: TestHost;
  beforeEach(() => {
    host = new TestHost();
  });
  afterEach(() => host.close());

  it("lets in who has the password, and nobody else", async () => {
    const server = await host.create(await redisInputs(host));
    assert.equal(await ask(server, PASSWORD, (redis) => redis.ping()), "PONG");
    await assert.rejects(
      ask(server, undefined, (redis) => redis.ping()),
      /NOAUTH/,
    );
  });

  it("runs as configured, and its configuration holds no password", async () => {
    const server = await host.create(await redisInputs(host));
    const settings = await ask(server, PASSWORD, async (redis) => {
      const pairs = await redis.config("GET", "maxmemory*", "appendonly", "appendfsync", "bind", "save");
      return pairs as string[];
    });
    const value = (name: string) => settings[settings.indexOf(name) + 1];
    assert.deepEqual(
      ["maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "bind", "save"].map(value),
      ["67108864", "noeviction", "yes", "everysec", "127.0.0.1", ""],
    );
    assert.ok(server.files.every(({ path }) => (statSync(path).mode & 0o777) === 0o600));
    assert.equal(server.files.filter(({ content }) => content.includes(PASSWORD)).length, 1);
    assert.ok(!server.args.join(" ").includes(PASSWORD));
  });

  it("keeps its data when it is killed and when its memory limit changes", async () => {
    const server = await host.create(await redisInputs(host));
    await ask(server, PASSWORD, (redis) => redis.xadd("peagen.tasks", "1-1", "v", "1"));
    await killNow(server);
    const healed = await host.update(await host.refresh(server), await redisInputs(host));
    const larger = await host.update(healed, await redisInputs(host, 128 * 1024 ** 2));
    assert.equal(larger.boundPort, server.boundPort);
    assert.equal(await ask(larger, PASSWORD, (redis) => redis.xlen("peagen.tasks")), 1);
  });

  it("shows Redis' own words when it refuses its configuration", async () => {
    const inputs = await redisInputs(host);
    const broken = inputs.files.map((file) => ({
      ...file,
      content: file.content.replace("noeviction", "no-such"),
    }));
    await assert.rejects(host.create({ ...inputs, files: broken }), (error: Error) => {
      assert.match(
        error.message,
        /^redis ended with exit code 1; the end of \S+:\n.*FATAL CONFIG FILE ERROR/s,
      );
      return true;
    });
  });
});

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { redisConfig, redisPasswordHash } from "../../../components/platform/redis.ts";
import {
  findRedisServer,
  RedisServerMissingError,
  redisServer,
} from "../../../components/platform/redis-server.ts";

describe("Redis' configuration", () => {
  const config = redisConfig({
    port: "{port}",
    bind: "127.0.0.1",
    dataDirectory: '/state/my "fleet"/data',
    maxMemory: 2_147_483_648,
    passwordHash: "abc123",
  });
  const lines = config.trimEnd().split("\n");

  it("is safe by default: loopback, one user by hash, no way to reconfigure paths", () => {
    const safe = [
      "bind 127.0.0.1",
      "protected-mode yes",
      "user default reset on #abc123 ~* &* +@all",
      "enable-debug-command no",
      "enable-module-command no",
      "enable-protected-configs no",
    ];
    assert.deepEqual(
      safe.filter((line) => !lines.includes(line)),
      [],
    );
    assert.ok(!config.includes("requirepass"));
  });

  it("keeps every write and evicts nothing", () => {
    const durable = [
      "appendonly yes",
      "appendfsync everysec",
      "auto-aof-rewrite-min-size 256mb",
      "maxmemory 2147483648",
      "maxmemory-policy noeviction",
    ];
    assert.deepEqual(
      durable.filter((line) => !lines.includes(line)),
      [],
    );
  });

  it("quotes the data folder and stays in the foreground", () => {
    assert.ok(lines.includes('dir "/state/my \\"fleet\\"/data"'));
    assert.ok(lines.includes("daemonize no"));
    assert.ok(lines.includes("port {port}"));
  });

  it("hashes the password as Redis' access lists do", () => {
    // echo -n sample | sha256sum
    assert.equal(
      redisPasswordHash("sample"),
      "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf",
    );
  });
});

describe("finding redis-server", () => {
  const directory = mkdtempSync(join(tmpdir(), "taskfleet-find-"));
  after(() => rmSync(directory, { recursive: true }));

  it("takes the first folder that has it, and names the folders when none has", () => {
    const server = join(directory, "redis-server");
    assert.throws(() => redisServer(`/nowhere:${directory}`), {
      name: "RedisServerMissingError",
      message: `redis-server is in none of /nowhere:${directory}: run ./taskfleet setup, which installs it`,
    });
    assert.throws(() => redisServer(directory), RedisServerMissingError);
    writeFileSync(server, "");
    assert.throws(() => redisServer(directory), RedisServerMissingError, "it must be executable");
    chmodSync(server, 0o755);
    assert.equal(redisServer(`:/nowhere:${directory}`), server);
  });

  it("knows Debian's name of the binary, and prefers the server's own", () => {
    const path = join(directory, "debian");
    const folder = (name: string) => join(path, name);
    const tool = join(folder("tools"), "redis-check-rdb");
    const server = join(folder("server"), "redis-server");
    for (const file of [tool, server]) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, "", { mode: 0o755 });
    }
    assert.equal(findRedisServer(folder("tools")), tool);
    assert.equal(findRedisServer(`${folder("tools")}:${folder("server")}`), server);
    assert.equal(findRedisServer(`${folder("tools")}:${folder("server")}`, [folder("server")]), tool);
    assert.equal(findRedisServer(folder("none")), undefined);
  });
});

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostCommand } from "../../../components/hosts/host-command.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import { local } from "../../../components/targets/local/compile.ts";
import { outsideRedisProblem } from "../../../components/targets/local/outside-redis.ts";
import { fillReferences } from "../../../components/targets/references.ts";
import { buildBundle } from "../../../worker/build.ts";
import { startRedis } from "../../support/redis-server.ts";
import { CONTEXT } from "./context.ts";

const SENTINELS = "redis+sentinel://h1,h2/mymaster?sentinelAuth=redis";
const NAME = ["mellon", "sesame"].join("-");

function compile(written: object, url: string, hasPassword = true) {
  return local.compile(resolveFleet(written, "local"), { ...CONTEXT, outsideRedis: { url, hasPassword } });
}

describe("a Redis elsewhere, for the target local", () => {
  it("is where every process looks, and no server is started", () => {
    const { redis, outsideRedis, api, backup, classes } = compile({}, SENTINELS);
    assert.equal(redis, null);
    for (const process of [api, backup, ...(classes[0]?.spawners ?? [])]) {
      assert.equal(process?.environment.REDIS_URL, SENTINELS);
      assert.equal(process?.environment.REDIS_PASSWORD_FILE, "/state/local/secrets/redis-password");
    }
    assert.deepEqual(outsideRedis?.args.slice(1), ["spawner", "--check"]);
    const [password, client] = outsideRedis?.files ?? [];
    assert.equal(password?.content, "{{redis.password}}");
    assert.match(
      client?.content ?? "",
      /^REDIS_URL=redis\+sentinel:\/\/h1,h2\/mymaster\?sentinelAuth=redis$/m,
    );
    assert.doesNotMatch(JSON.stringify(compile({}, SENTINELS)), /redis\.address/);
    const without = compile({}, "redis://h", false);
    assert.doesNotMatch(JSON.stringify(without), /REDIS_PASSWORD|redis-password/);
    assert.notEqual(classes[0]?.revision, without.classes[0]?.revision);
  });

  it("may take replicated pushes, which the stack's own cannot", () => {
    const written = { delivery: { durability: "replicated" } };
    assert.equal(compile(written, SENTINELS).api?.environment.TASKFLEET_DURABILITY, "replicated");
    assert.throws(() => local.compile(resolveFleet(written, "local"), CONTEXT), {
      message:
        'the fleet\'s spec has 1 problem:\n  delivery.durability: got "replicated"; allowed: "local" here, for this stack\'s own Redis has no replica. Remove the field, or set taskfleet:redisUrl to a Redis that has one.',
    });
  });

  it("is refused where its address cannot be used, without showing a password", () => {
    const problem = (url: string | undefined, hasPassword = false, written: object = {}) =>
      outsideRedisProblem(url, hasPassword, resolveFleet(written, "local"));
    assert.equal(problem(undefined), undefined);
    assert.equal(problem(SENTINELS, true), undefined);
    assert.match(
      problem(undefined, true) ?? "",
      /^taskfleet:redisPassword is set without taskfleet:redisUrl/,
    );
    assert.match(
      problem("redis://h:70000") ?? "",
      /^taskfleet:redisUrl: port 70000 of host 1 of the list; allowed: a port/,
    );
    const secret = problem(`redis://:${NAME}@h`) ?? "";
    assert.match(secret, /^taskfleet:redisUrl holds a password/);
    assert.equal(secret.includes(NAME), false);
    assert.match(problem("redis+cluster://h") ?? "", /^taskfleet:redisUrl names a Cluster/);
    assert.equal(problem("redis+cluster://h", false, { backup: { enabled: false } }), undefined);
  });

  it("is asked before anything else is started", async function () {
    this.timeout(60_000);
    const server = await startRedis();
    await server.client.config("SET", "requirepass", NAME);
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-outside-"));
    const at = (name: string) => join(folder, name);
    const { directory } = await buildBundle({ outDir: at("bundles") });
    const paths = { ...CONTEXT.paths, directory: folder, secrets: at("secrets"), logs: at("logs") };
    const { outsideRedis: plan } = local.compile(resolveFleet({}, "local"), {
      ...CONTEXT,
      ...{ node: process.execPath, bundle: { ...CONTEXT.bundle, directory } },
      paths: { ...paths, clientEnv: at("client.env") },
      outsideRedis: { url: server.url, hasPassword: true },
    });
    assert.ok(plan !== null);
    const inputs = (redisPassword: string) => ({
      ...plan,
      files: plan.files.map((file) => ({
        ...file,
        content: fillReferences(file.content, { redisPassword }),
      })),
    });
    await assert.rejects(hostCommand.create(inputs("wrong")), /it refuses the password/);
    const { state } = await hostCommand.create(inputs(NAME));
    assert.equal(readFileSync(at("secrets/redis-password"), "utf8"), NAME);
    assert.match(readFileSync(at("client.env"), "utf8"), new RegExp(`^REDIS_URL=${server.url}$`, "m"));
    await hostCommand.delete({ ...inputs(NAME), ...state });
    assert.equal(existsSync(at("client.env")), false);
    rmSync(folder, { recursive: true });
    await server.stop();
  });
});

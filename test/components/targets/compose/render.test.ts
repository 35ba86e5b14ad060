import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PATHS } from "../../../../components/paths.ts";

const EXAMPLE = join(PATHS.root, "infra/examples/compose");
const ID = `sha256:${"ab".repeat(32)}`;

function render(...words: readonly string[]) {
  return spawnSync(process.execPath, [join(PATHS.root, "components/cli/main.ts"), "render", ...words], {
    encoding: "utf8",
    env: { ...process.env, TASKFLEET_HOME: "" },
  });
}

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted();
}

describe("taskfleet render compose", () => {
  const scratch = mkdtempSync(join(tmpdir(), "taskfleet-render-"));
  const out = join(scratch, "project");

  after(() => rmSync(scratch, { recursive: true, force: true }));

  it("writes what stands in infra/examples: if not, taskfleet render compose --out infra/examples/compose", () => {
    assert.equal(render("compose", "--out", out).status, 0);
    assert.deepEqual(filesBelow(EXAMPLE), filesBelow(out));
    for (const file of filesBelow(out))
      assert.equal(readFileSync(join(EXAMPLE, file), "utf8"), readFileSync(join(out, file), "utf8"), file);
  });

  it("prints compose.yaml alone without --out", () => {
    const { stdout } = render("compose");
    assert.equal(stdout, readFileSync(join(EXAMPLE, "compose.yaml"), "utf8"));
  });

  it("takes a stack's config file, or a spec alone", () => {
    const stack = join(scratch, "Pulumi.compose.yaml");
    const config = { "taskfleet:fleet": { name: "acme" }, "taskfleet:images": { redis: "mirror/redis:7" } };
    writeFileSync(stack, JSON.stringify({ config }));
    const { stdout } = render("compose", "--config", stack);
    assert.match(stdout, /^name: acme$/m);
    assert.match(stdout, /^ {4}image: mirror\/redis:7$/m);
    const spec = join(scratch, "spec.yaml");
    writeFileSync(spec, "name: bulk\nobservability: { enabled: false }\n");
    assert.match(render("compose", "--config", spec).stdout, /^name: bulk$/m);
  });

  it("says on one line what it cannot do", () => {
    const spec = join(scratch, "wrong.yaml");
    writeFileSync(spec, "worker: { concurrency: 0 }\n");
    const wrong = render("compose", "--config", spec);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /worker\.concurrency: got 0; allowed: a whole number from 1 to 1024/);
    assert.match(render("nomad").stderr, /no manifests of "nomad"; allowed: compose/);
    assert.match(render("compose", "--config", join(scratch, "none")).stderr, /cannot read .*none: /);
  });

  describe("prepare.sh", () => {
    const secret = (name: string) => readFileSync(join(out, "secrets", name), "utf8");
    const variables = () =>
      Object.fromEntries(
        [...readFileSync(join(out, ".env"), "utf8").matchAll(/^([A-Z_]+)='?([^'\n]*)'?$/gm)].map((one) =>
          one.slice(1),
        ),
      );

    /** With an engine that knows one image. */
    function prepare() {
      const docker = join(scratch, "docker");
      writeFileSync(docker, `#!/bin/sh\n[ "$5" = taskfleet-worker ] && echo ${ID}\n`, { mode: 0o755 });
      const socket = join(scratch, "engine.sock");
      writeFileSync(socket, "");
      const env = { PATH: `${scratch}:${process.env.PATH}`, DOCKER_HOST: `unix://${socket}` };
      return execFileSync("sh", [join(out, "prepare.sh")], { encoding: "utf8", env });
    }

    it("fills in every secret, the same wherever it stands, and what the host knows", () => {
      assert.match(prepare(), /^ready: docker compose up -d$/m);
      const password = secret("redis-password");
      assert.match(password, /^[\w-]{43}$/);
      assert.notEqual(secret("api-key"), password);
      assert.deepEqual(JSON.parse(secret("redis-password-map")), { "redis://redis:6379": password });
      const hash = createHash("sha256").update(password).digest("hex");
      assert.match(readFileSync(join(out, "redis/redis.conf"), "utf8"), new RegExp(`#${hash} `));
      const admin = secret("postgres-admin-password");
      assert.equal(
        secret("database-admin-url"),
        `postgresql://taskfleet_admin:${admin}@postgres:5432/postgres`,
      );
      assert.deepEqual(variables(), {
        TASKFLEET_IMAGE: "taskfleet-worker",
        TASKFLEET_IMAGE_TAG: ID,
        TASKFLEET_WATCH_IMAGE: "taskfleet-watch-queue",
        TASKFLEET_BACKUP_IMAGE: "taskfleet-backup",
        TASKFLEET_PROJECT_DIRECTORY: out,
        TASKFLEET_DOCKER_SOCKET: join(scratch, "engine.sock"),
        TASKFLEET_DOCKER_GROUP: String(process.getgid?.()),
      });
      const mode = (path: string) => (statSync(join(out, path)).mode & 0o777).toString(8);
      assert.deepEqual(["secrets", "secrets/api-key", "redis/redis.conf"].map(mode), ["700", "444", "444"]);
    });

    it("keeps passwords when it runs again, and when the project is rendered again", () => {
      const before = filesBelow(join(out, "secrets")).map(secret);
      assert.match(render("compose", "--out", out).stderr, /kept: .*secrets\/api-key/);
      prepare();
      assert.deepEqual(filesBelow(join(out, "secrets")).map(secret), before);
      const hash = createHash("sha256").update(secret("redis-password")).digest("hex");
      assert.match(readFileSync(join(out, "redis/redis.conf"), "utf8"), new RegExp(`#${hash} `));
      assert.ok(existsSync(dirname(out)));
    });
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { composeBinary } from "../../components/paths.ts";
import { resolveFleet } from "../../components/spec/resolve.ts";
import { renderCompose } from "../../components/targets/compose/render.ts";
import { CONTEXT, EXAMPLES } from "../components/targets/compose/support.ts";

const IMAGES = { worker: "worker", watch: "watch", backup: "backup" };

interface Config {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly environment?: Readonly<Record<string, string>>;
        readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } };
      }
    >
  >;
}

describe("rendered projects, as the real Compose reads them", function () {
  this.timeout(60_000);
  const scratch = mkdtempSync(join(tmpdir(), "taskfleet-render-"));

  before(function () {
    if (existsSync(composeBinary())) return;
    console.log("    skipped: there is no Docker Compose: run ./taskfleet setup");
    this.skip();
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  function written(name: string): string {
    const [spec, context] = EXAMPLES[name] ?? [{}, {}];
    const folder = join(scratch, name.replaceAll(/\W+/g, "-"));
    for (const { path, content } of renderCompose(
      resolveFleet(spec, "compose"),
      { ...CONTEXT, ...context },
      IMAGES,
    )) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return folder;
  }

  function config(name: string, environment: NodeJS.ProcessEnv = {}): Config {
    const env = { PATH: process.env.PATH, HOME: scratch, ...environment };
    const words = ["-f", join(written(name), "compose.yaml"), "config", "--format", "json"];
    const { status, stdout, stderr } = spawnSync(composeBinary(), words, { encoding: "utf8", env });
    assert.equal(stderr, "", name);
    assert.equal(status, 0, name);
    return JSON.parse(stdout);
  }

  for (const name of Object.keys(EXAMPLES))
    it(`accepts every service without a warning: ${name}`, () => {
      assert.ok("redis" in config(name).services);
    });

  it("reads sizes, dollars and a name with a space as they are meant", () => {
    const { services } = config("dollars and spaces");
    assert.equal(services.worker?.environment?.TASKFLEET_EXECUTE_READABLE, "/opt/$$a b");
    assert.equal(services.worker?.deploy?.resources?.limits?.memory, String(2 * 1024 ** 3));
  });

  it("takes WORKER_CONCURRENCY from the shell for worker and watcher, and 4 without", () => {
    const concurrency = (environment: NodeJS.ProcessEnv) => {
      const { services } = config("defaults", environment);
      return [services.worker, services["watch-queue"]].map((one) => one?.environment?.WORKER_CONCURRENCY);
    };
    assert.deepEqual(concurrency({ WORKER_CONCURRENCY: "12" }), ["12", "12"]);
    assert.deepEqual(concurrency({}), ["4", ""]);
    assert.equal(
      config("classes, a GPU, another name", { WORKER_CONCURRENCY: "12" }).services["nova_worker-gpu"]
        ?.environment?.WORKER_CONCURRENCY,
      "1",
    );
  });
});

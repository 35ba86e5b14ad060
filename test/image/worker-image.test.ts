import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { PATHS } from "../../components/paths.ts";
import { TestFleet } from "../cli/fleet.ts";
import { cli, jsonLine } from "../cli/support.ts";
import { DockerEngine, engineProblem } from "../support/docker-engine.ts";
import { quietPort } from "../support/quiet-port.ts";
import { type BaseImages, basesProblem, makeBases } from "../support/standins/bases.ts";
import { waitFor } from "../support/wait.ts";

const MOST_BYTES = 25_000_000;
/** As P16 has workers: everything that a container can be denied is. */
const HARDENED = [
  ...["--read-only", "--tmpfs", "/tmp:mode=1777", "--cap-drop", "ALL", "--init"],
  ...["--security-opt", "no-new-privileges", "--pids-limit", "256", "--memory", "512m"],
];

const problem = engineProblem() ?? basesProblem();

describe("the worker image", function () {
  this.timeout(600_000);
  if (problem !== undefined) {
    it(`is built (not tested here: ${problem})`, function () {
      this.skip();
    });
    return;
  }
  const engine = new DockerEngine();
  let bases: BaseImages;

  function build(name: string): void {
    const words = Object.entries(bases).flatMap(([argument, image]) => [
      "--build-arg",
      `${argument}=${image}`,
    ]);
    const place = ["-f", `${PATHS.root}/worker/Dockerfile`, "-t", name, PATHS.root];
    execFileSync(engine.docker, ["build", "--no-cache", "--network", "host", ...words, ...place], {
      env: { ...engine.environment, DOCKER_BUILDKIT: "1" },
      stdio: ["ignore", "inherit", "inherit"],
    });
  }

  function inspect<T>(name: string, format: string): T {
    return JSON.parse(engine.run("image", "inspect", "-f", `{{json ${format}}}`, name)) as T;
  }

  before(async () => {
    await engine.start();
    bases = makeBases(engine);
    build("first");
    build("second");
  });
  after(() => engine.stop());

  it("has the same layers, whenever it is built", () => {
    const layers = inspect<string[]>("first", ".RootFS.Layers");
    assert.deepEqual(inspect<string[]>("second", ".RootFS.Layers"), layers);
  });

  it(`has at most ${MOST_BYTES / 1e6} MB above its base`, () => {
    const above = inspect<number>("first", ".Size") - inspect<number>(bases.BASE, ".Size");
    assert.ok(above > 5_000_000 && above <= MOST_BYTES, `${above} bytes`);
  });

  it("answers to both names, as a user without rights, from a root that cannot be written", () => {
    const run = (...words: readonly string[]) =>
      engine.run("run", "--rm", "--network", "none", ...HARDENED, ...words);
    assert.match(run("first", "--help"), /^Usage: taskfleet /);
    assert.match(
      run("-e", "TASKFLEET_PROGRAM=peagen", "--entrypoint", "peagen", "first", "--help"),
      /^Usage: peagen /,
    );
    assert.equal(run("--entrypoint", "id", "first", "-u"), "65532\n");
    const tried = run("--entrypoint", "sh", "first", "-c", "touch /app/x 2>/dev/null || echo read-only");
    assert.equal(tried, "read-only\n");
  });

  it("has no package of development, and no source", () => {
    const found = engine.run(
      "run",
      "--rm",
      "--network",
      "none",
      "--entrypoint",
      "find",
      "first",
      "/app",
      "-name",
      "*.ts",
    );
    assert.equal(found, "");
  });

  describe("as a hardened worker", () => {
    const tag = "sha256:0123456789abcdef";
    let fleet: TestFleet;
    let id: string;

    before(async () => {
      fleet = await TestFleet.start();
      const env = { ...fleet.env, TASKFLEET_HTTP_PORT: String(await quietPort()), TASKFLEET_IMAGE_TAG: tag };
      const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
      const words = ["--network", "host", ...HARDENED, ...variables, "--health-interval", "1s"];
      id = engine.run("run", "-d", ...words, "first", "worker").trim();
    });
    after(async () => {
      engine.run("rm", "-f", id);
      await fleet.stop();
    });

    async function result(
      payload: object,
    ): Promise<{ status: string; image_tag: string; output: { stdout: string } }> {
      const pushed = [
        "push",
        "execute",
        "--payload",
        JSON.stringify(payload),
        "--wait-timeout",
        "60",
        "--json",
      ];
      const { out, err } = await cli(pushed, { env: fleet.env });
      assert.equal(err, "");
      return jsonLine(out).result as never;
    }

    it("runs programs of its toolbox and names its image in the result", async () => {
      const { status, output, image_tag } = await result({ command: ["sh", "-c", "seq 6 | tail -n 1"] });
      assert.deepEqual([status, output.stdout, image_tag], ["success", "6\n", tag]);
    });

    it("runs untrusted programs in the sandbox, which lets none out", async () => {
      const payload = { command: ["sh", "-c", "touch /tmp/x 2>/dev/null || echo refused"], untrusted: true };
      const { status, output } = await result(payload);
      assert.deepEqual([status, output.stdout], ["success", "refused\n"]);
    });

    it("is healthy by its own check, and ends in order when it is stopped", async () => {
      const state = (what: string) => engine.run("inspect", "-f", `{{.State.${what}}}`, id).trim();
      await waitFor("a healthy container", () => state("Health.Status") === "healthy");
      engine.run("stop", "-t", "30", id);
      assert.equal(state("ExitCode"), "0");
      assert.match(engine.run("logs", id), /"graceful":true,"message":"worker_pool_stopped"/);
    });
  });
});

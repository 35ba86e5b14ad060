import assert from "node:assert/strict";
import { TestFleet } from "../cli/fleet.ts";
import { cli, jsonLine } from "../cli/support.ts";
import type { DockerEngine } from "../support/docker-engine.ts";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";
import { HARDENED } from "./hardened.ts";
import { imageProblem, imageWorld } from "./image-engine.ts";

describe("the worker image", function () {
  this.timeout(900_000);
  if (imageProblem !== undefined) {
    it(`runs hardened (not tested here: ${imageProblem})`, function () {
      this.skip();
    });
    return;
  }
  let engine: DockerEngine;
  let image: string;

  before(async () => {
    const world = await imageWorld();
    engine = world.engine;
    image = world.images.worker ?? "";
  });

  it("answers to both names, as a user without rights, from a root that cannot be written", () => {
    const run = (...words: readonly string[]) =>
      engine.run("run", "--rm", "--network", "none", ...HARDENED, ...words);
    assert.match(run(image, "--help"), /^Usage: taskfleet /);
    assert.match(
      run("-e", "TASKFLEET_PROGRAM=peagen", "--entrypoint", "peagen", image, "--help"),
      /^Usage: peagen /,
    );
    assert.equal(run("--entrypoint", "id", image, "-u"), "65532\n");
    const tried = run("--entrypoint", "sh", image, "-c", "touch /app/x 2>/dev/null || echo read-only");
    assert.equal(tried, "read-only\n");
  });

  it("has no package of development, and no source", () => {
    const words = ["--rm", "--network", "none", "--entrypoint", "find", image, "/app", "-name", "*.ts"];
    assert.equal(engine.run("run", ...words), "");
  });

  it("has mount points that a new volume takes its owner from", () => {
    const volumes = ["history", "results"].map(
      (place) => [place, `image-test-${place}-${process.pid}`] as const,
    );
    try {
      for (const [place, volume] of volumes) {
        const mount = ["-v", `${volume}:/var/lib/taskfleet/${place}`, "--entrypoint", "sh", image];
        const write = `echo kept >/var/lib/taskfleet/${place}/a && cat /var/lib/taskfleet/${place}/a`;
        const said = engine.run("run", "--rm", "--network", "none", ...HARDENED, ...mount, "-c", write);
        assert.equal(said, "kept\n");
      }
    } finally {
      engine.run("volume", "rm", "-f", ...volumes.map(([, volume]) => volume));
    }
  });

  describe("as a hardened worker", () => {
    const tag = "sha256:0123456789abcdef";
    let fleet: TestFleet;
    let id: string;
    let port: number;

    before(async () => {
      fleet = await TestFleet.start();
      port = await quietPort();
      const env = { ...fleet.env, TASKFLEET_HTTP_PORT: String(port), TASKFLEET_IMAGE_TAG: tag };
      const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
      const words = ["--network", "host", ...HARDENED, ...variables, "--health-interval", "1s"];
      id = engine.run("run", "-d", ...words, image, "worker").trim();
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

    it("runs untrusted programs in the sandbox: they work in a folder of their own, and reach nothing else", async () => {
      const tries = [
        "echo mine >own && cat own",
        "touch /tmp/x 2>/dev/null && echo wrote || echo no writing",
        "cat /proc/1/environ >/dev/null 2>&1 && echo read || echo no reading",
        `wget -q -O /dev/null http://127.0.0.1:${port}/health/live 2>/dev/null && echo asked || echo no network`,
        "kill -0 1 2>/dev/null && echo signalled || echo no signal",
      ];
      const command = ["sh", "-c", tries.join("; ")];
      const [trusted, untrusted] = [await result({ command }), await result({ command, untrusted: true })];
      assert.deepEqual(
        [trusted.status, trusted.output.stdout],
        ["success", "mine\nwrote\nread\nasked\nsignalled\n"],
      );
      assert.deepEqual(
        [untrusted.status, untrusted.output.stdout],
        ["success", "mine\nno writing\nno reading\nno network\nno signal\n"],
      );
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

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import type { BuiltImage } from "../../components/cli/images-build.ts";
import { PATHS } from "../../components/paths.ts";
import { BASE_NAMES, IMAGES, TARGET_NAMES } from "../../components/platform/images.ts";
import { findImage } from "../../components/platform/registry.ts";
import { registryProblem, TestRegistry } from "../support/registry.ts";
import { type ImageWorld, imageProblem, imageWorld } from "./image-engine.ts";

const MAIN = join(PATHS.root, "components/cli/main.ts");
/** A stack without a config. */
const STACK = "image-test";

const problem = imageProblem ?? registryProblem();

describe("taskfleet images build", function () {
  this.timeout(900_000);
  if (problem !== undefined) {
    it(`builds and pushes (not tested here: ${problem})`, function () {
      this.skip();
    });
    return;
  }
  let world: ImageWorld;
  let registry: TestRegistry;
  let bases: readonly string[];
  const made: string[] = [];

  before(async () => {
    world = await imageWorld();
    registry = await TestRegistry.start();
    bases = BASE_NAMES.flatMap((name) => ["--base", `${name}=${world.bases[IMAGES[name].argument]}`]);
  });
  after(async () => {
    if (made.length > 0) world.engine.run("rmi", "-f", ...made);
    await registry?.stop();
  });

  function build(words: readonly string[]) {
    const { environment } = world.engine;
    const env = { ...environment, PATH: `${environment.PATH}:${dirname(process.execPath)}` };
    const all = [MAIN, "images", "build", "-s", STACK, ...words];
    return spawnSync(process.execPath, all, { env, encoding: "utf8", maxBuffer: 2 ** 24 });
  }

  it("names every base without a digest, before it builds anything", () => {
    const { status, stdout, stderr } = build([]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^taskfleet: no digest is locked of workerBase \([^\n]*\n$/);
  });

  it("prints the config that has a stack use what it built, and progress elsewhere", () => {
    const { status, stdout, stderr } = build([...bases, "--network", "host"]);
    assert.equal(status, 0, stderr);
    const lines = stdout.trim().split("\n");
    const references = lines.map((line) => line.split(" ")[4] ?? "");
    made.push(...references);
    assert.deepEqual(
      lines,
      [
        ["image", "worker"],
        ["watchImage", "watch-queue"],
        ["backupImage", "backup"],
      ].map(([key, target], at) => {
        assert.match(references[at] ?? "", new RegExp(`^taskfleet-${target}:[0-9a-f]{16}$`));
        return `pulumi config set taskfleet:${key} ${references[at]} -s ${STACK}`;
      }),
    );
    for (const reference of references)
      assert.ok(stderr.includes(`taskfleet: image ${reference}: sha256:`), stderr);
  });

  it("pushes to a registry, and gives the digests of manifests and configs", async () => {
    const { status, stdout, stderr } = build([
      ...bases,
      ...["--network", "host", "--registry", `${registry.host}/team`, "--json"],
    ]);
    assert.equal(status, 0, stderr);
    const images = JSON.parse(stdout) as readonly BuiltImage[];
    made.push(...images.map(({ reference }) => reference));
    assert.deepEqual(
      images.map(({ target }) => target),
      TARGET_NAMES,
    );
    for (const { target, reference, digest } of images) {
      const [repository, pushed] = reference.split("@");
      assert.equal(repository, `${registry.host}/team/taskfleet-${target}`);
      const { tags } = (await (
        await fetch(`http://${registry.host}/v2/team/taskfleet-${target}/tags/list`)
      ).json()) as { tags: readonly string[] };
      made.push(`${repository}:${tags[0]}`);
      assert.equal((await findImage(`${repository}:${tags[0]}`, () => "")).digest, pushed);
      const id = execFileSync(world.engine.docker, ["image", "inspect", "--format", "{{.Id}}", reference], {
        env: world.engine.environment,
        encoding: "utf8",
      });
      assert.equal(id.trim(), digest);
    }
  });
});

import assert from "node:assert/strict";
import { otherBuilders } from "../support/standins/bases.ts";
import { buildTarget, IMAGE_TARGETS } from "../support/standins/taskfleet.ts";
import { type ImageWorld, imageProblem, imageWorld } from "./image-engine.ts";

const MOST_BYTES = 25_000_000;

describe("the images' layers", function () {
  this.timeout(900_000);
  if (imageProblem !== undefined) {
    it(`are the same in every build (not tested here: ${imageProblem})`, function () {
      this.skip();
    });
    return;
  }
  let world: ImageWorld;
  const made: string[] = [];
  const again = (target: string) => `image-test-again/${target}`;
  before(async () => {
    world = await imageWorld();
    const others = otherBuilders(world.engine);
    made.push(...Object.values(others), ...IMAGE_TARGETS.map(again));
    const bases = { ...world.bases, ...others };
    for (const target of IMAGE_TARGETS) buildTarget(world.engine, target, again(target), bases);
  });
  after(() => {
    if (made.length > 0) world.engine.run("rmi", "-f", ...made);
  });

  function inspect<T>(name: string, format: string): T {
    return JSON.parse(world.engine.run("image", "inspect", "-f", `{{json ${format}}}`, name)) as T;
  }
  const layers = (name: string) => inspect<string[]>(name, ".RootFS.Layers");
  const sizeAbove = (image: string, base: string) =>
    inspect<number>(image, ".Size") - inspect<number>(base, ".Size");

  for (const target of IMAGE_TARGETS)
    it(`of ${target} are the same, whenever and on whatever they are built`, () => {
      assert.deepEqual(layers(again(target)), layers(world.images[target] ?? ""));
    });

  it(`of worker are at most ${MOST_BYTES / 1e6} MB above its base`, () => {
    const above = sizeAbove(world.images.worker ?? "", world.bases.BASE ?? "");
    assert.ok(above > 5_000_000 && above <= MOST_BYTES, `${above} bytes`);
  });

  it("of watch-queue are the worker's, and Docker's command line with Compose", () => {
    const [worker, watcher] = [layers(world.images.worker ?? ""), layers(world.images["watch-queue"] ?? "")];
    assert.deepEqual(watcher.slice(0, worker.length), worker);
    assert.equal(watcher.length, worker.length + 1);
  });

  it("say what each image is, and run none of them as root", () => {
    const found = IMAGE_TARGETS.map((target) => {
      const { Labels, User, Healthcheck, Cmd } = inspect<{
        Labels: Record<string, string>;
        User: string;
        Healthcheck: { Test: string[] };
        Cmd: string[];
      }>(world.images[target] ?? "", ".Config");
      const label = (name: string) => Labels[`org.opencontainers.image.${name}`];
      return [
        label("title"),
        label("licenses"),
        label("version"),
        User,
        Healthcheck.Test.join(" "),
        Cmd.join(" "),
      ];
    });
    const same = ["Apache-2.0", "0.1.0", "65532:65532", "CMD taskfleet health"];
    assert.deepEqual(found, [
      ["taskfleet worker", ...same, "worker"],
      ["taskfleet watch-queue", ...same, "watch-queue"],
      ["taskfleet backup", ...same, "backup run"],
    ]);
  });
});

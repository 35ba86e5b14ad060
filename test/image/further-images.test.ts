import assert from "node:assert/strict";
import { type BackedUp, fill, withServers } from "../backup/support.ts";
import { jsonLine } from "../cli/support.ts";
import type { DockerEngine } from "../support/docker-engine.ts";
import { HARDENED } from "./hardened.ts";
import { type ImageWorld, imageProblem, imageWorld } from "./image-engine.ts";

function skipped(what: string): boolean {
  if (imageProblem === undefined) return false;
  it(`${what} (not tested here: ${imageProblem})`, function () {
    this.skip();
  });
  return true;
}

/** Runs an image as hardened as in a project. */
function run(engine: DockerEngine, ...words: readonly string[]): string {
  return engine.run("run", "--rm", ...HARDENED, ...words);
}

describe("the image watch-queue", function () {
  this.timeout(900_000);
  if (skipped("has Docker's command line and Compose")) return;
  let world: ImageWorld;
  before(async () => {
    world = await imageWorld();
  });

  it("has Docker's command line and Compose, beside all that the worker image has", () => {
    const { engine, images } = world;
    const ask = (program: string, ...words: readonly string[]) =>
      run(engine, "--network", "none", "--entrypoint", program, images["watch-queue"] ?? "", ...words);
    assert.match(ask("docker", "compose", "version"), /^Docker Compose version v5\./);
    assert.match(ask("taskfleet", "--help"), /^Usage: taskfleet /);
    assert.equal(ask("sh", "-c", "touch /app/x 2>/dev/null || echo read-only"), "read-only\n");
  });
});

describe("the image backup", function () {
  this.timeout(900_000);
  if (skipped("makes backups and restores them")) return;
  let world: ImageWorld;
  let fleet: BackedUp;
  const volume = `image-test-backups-${process.pid}`;
  before(async () => {
    world = await imageWorld();
  });
  withServers((made) => {
    fleet = made;
  });
  after(() => {
    world?.engine.run("volume", "rm", "-f", volume);
  });

  it("makes a backup of queue and record into a new volume, and restores it in a drill", async () => {
    await fill(fleet);
    const { TASKFLEET_BACKUP_DIRECTORY: _, ...env } = fleet.env;
    const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    const backup = (...words: readonly string[]) =>
      run(
        world.engine,
        ...["--network", "host", "-w", "/tmp", "-v", `${volume}:/var/lib/taskfleet/backups`, ...variables],
        ...[world.images.backup ?? "", "backup", ...words, "--json"],
      );
    const made = jsonLine(backup("create"));
    const { manifest, fault } = jsonLine(backup("list"));
    assert.deepEqual([manifest, fault], [made, null]);
    const drill = jsonLine(backup("drill")) as { passed: boolean };
    assert.equal(drill.passed, true, JSON.stringify(drill));
  });
});

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../support/wait.ts";
import { TestEngine } from "./engine.ts";
import { FleetStack, stackImages, stackProblem } from "./fleet-stack.ts";

const LONG = { timeoutMs: 300_000, everyMs: 500 };

describe("the stack compose", function () {
  this.timeout(900_000);
  this.bail(true);
  const engine = new TestEngine();
  let stack: FleetStack;

  /** Id, start and state of a service's containers; one that goes meanwhile is not there. */
  const containers = (service: string) =>
    engine.ps(stack.name, service).flatMap((id) => {
      try {
        const format = "{{.Id}} {{.State.StartedAt}} {{.State.Running}}";
        const [own = "", start = "", isRunning] = engine
          .run("inspect", "--format", format, id)
          .trim()
          .split(" ");
        return [{ line: `${own} ${start}`, isRunning: isRunning === "true" }];
      } catch (error) {
        if (String(error).includes("No such object")) return [];
        throw error;
      }
    });
  const started = (service: string) => containers(service).map(({ line }) => line);
  const running = (service: string) =>
    containers(service).flatMap(({ line, isRunning }) => (isRunning ? [line] : []));
  const folder = () => join(stack.directory, "compose");

  async function up(): Promise<string> {
    const { code, output } = await stack.up();
    assert.equal(code, 0, output);
    return output;
  }

  async function push(...words: readonly string[]): Promise<string> {
    const { code, output } = await stack.project.queue(stack.client(), "push", ...words);
    assert.equal(code, 0, output);
    return output;
  }

  /** Tasks of half a minute; returns their ids. */
  async function pushSleepers(count: number): Promise<readonly string[]> {
    const ids = Array.from({ length: count }, (_, index) => `sleeper-${index}`);
    const tasks = ids.map((id) => ({ id, kind: "execute", payload: { command: ["sleep", "30"] } }));
    const file = join(stack.project.root, "tasks.json");
    writeFileSync(file, JSON.stringify(tasks));
    await push("-f", file);
    rmSync(file);
    return ids;
  }

  before(async function () {
    const problem = stackProblem();
    if (problem !== undefined) {
      console.log(`    skipped: ${problem}`);
      this.skip();
    }
    await engine.start(this);
    stack = new FleetStack(engine, stackImages(engine));
    await stack.configure();
  });

  after(async () => {
    if (stack !== undefined) await stack.remove();
    await engine.stop();
  });

  it("comes up from nothing, without Grafana, Loki and the shipper, of which there are no stand-ins", async () => {
    const output = await up();
    assert.match(output, /Stack compose is up; its queue: redis:\/\/127\.0\.0\.1:\d+/);
    const services = [
      "alertmanager",
      "api",
      "backup",
      "database-setup",
      "postgres",
      "prometheus",
      "redis",
      "redis-exporter",
      "spawner",
      "watch-queue",
    ];
    assert.deepEqual(
      services.filter((service) => started(service).length === 0),
      [],
    );
    assert.deepEqual([started("spawner").length, started("worker").length], [2, 0]);
  });

  it("runs a task on a worker that is started for it; its result names the image by its digest", async () => {
    const result = JSON.parse(
      await push("execute", "--payload", '{"command":["echo","hello"]}', "--wait", "--json"),
    );
    const digest = engine.run("image", "inspect", "--format", "{{.Id}}", stack.images.worker ?? "").trim();
    assert.deepEqual([result.status, result.result.image_tag], ["success", digest]);
  });

  it("has nothing to do when nothing changed", async () => {
    const before = ["redis", "spawner", "watch-queue", "api"].map(started);
    assert.doesNotMatch(await up(), / (?:updated|created|replaced|deleted)$/m);
    assert.deepEqual(["redis", "spawner", "watch-queue", "api"].map(started), before);
  });

  it("shows what a changed setting does, and no secret", async () => {
    await stack.set({ "fleet.worker.concurrency": 3 });
    const { code, output } = await stack.project.pulumi("preview", "-s", "compose", "--diff");
    assert.equal(code, 0, output);
    assert.match(output, /compose\.yaml/);
    assert.match(output, /WORKER_CONCURRENCY\s*:.*4.*=>.*3/);
    const secret = readFileSync(join(stack.directory, "secrets", "redis-password"), "utf8");
    assert.ok(!output.includes(secret));
  });

  it("rolls workers for it while tasks run, without losing one, and leaves Redis alone", async () => {
    const redis = started("redis");
    const ids = await pushSleepers(3);
    await waitFor("a worker at work", () => running("worker").length > 0, LONG);
    const old = running("worker");
    await up();
    assert.deepEqual(started("redis"), redis);
    const { code, output } = await stack.project.queue(stack.client(), "result", ...ids, "--wait", "--json");
    assert.equal(code, 0, output);
    await waitFor(
      "the old workers to go",
      () => old.every((line) => !running("worker").includes(line)),
      LONG,
    );
    assert.doesNotMatch(await up(), / updated$/m);
  });

  it("sees and heals a stopped service and a file changed by hand", async () => {
    engine.run("stop", ...engine.ps(stack.name, "api"));
    const file = join(folder(), "compose.yaml");
    const text = readFileSync(file, "utf8");
    rmSync(file);
    writeFileSync(file, text.replace("pids_limit", "# by hand\n    pids_limit"), { mode: 0o644 });
    const output = await up();
    assert.match(output, /1 updated/);
    assert.equal(readFileSync(file, "utf8"), text);
    assert.equal(running("api").length, 1);
  });

  it("takes neither --scale nor WORKER_CONCURRENCY by hand for a change", async () => {
    await stack.project.queue(stack.client(), "scale", "pause");
    const environment = { ...stack.client(), WORKER_CONCURRENCY: "12" };
    engine.compose(environment, folder(), stack.name, "up", "-d", "--scale", "worker=3");
    assert.equal(running("worker").length, 3);
    assert.doesNotMatch(await up(), / updated$/m);
    await stack.project.queue(stack.client(), "scale", "resume");
  });

  it("goes with its networks and files; its volumes stay until they are to go too", async () => {
    const { code, output } = await stack.project.taskfleet("down", "-s", "compose");
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`the data stays in the volumes .*${stack.name}_redis-data`));
    assert.deepEqual(engine.ps(stack.name), []);
    assert.equal(existsSync(folder()), false);
    const again = await stack.project.taskfleet("down", "-s", "compose", "--delete-data");
    assert.match(
      again.output,
      new RegExp(`--delete-data removes queue, record and backups of project ${stack.name}`),
    );
    const last = await stack.project.taskfleet("down", "-s", "compose", "--delete-data", "--yes");
    assert.match(last.output, /its volumes are removed/);
    const filter = ["--filter", `label=com.docker.compose.project=${stack.name}`];
    assert.deepEqual(
      [engine.run("volume", "ls", "-q", ...filter), engine.run("network", "ls", "-q", ...filter)],
      ["", ""],
    );
  });
});

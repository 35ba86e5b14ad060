import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PATHS } from "../../components/paths.ts";
import { parsePrometheusText } from "../support/prometheus-text.ts";
import { waitFor } from "../support/wait.ts";
import { EngineSocket } from "./support/engine-socket.ts";
import { makeWatcherImage } from "./support/project.ts";
import { withProject } from "./support/with-project.ts";

/** What a role's readiness says: its problems, none when it is ready. */
async function problemsOf(address: string): Promise<readonly string[]> {
  const answer = await fetch(`${address}/health/ready`);
  const { errors = [] } = (await answer.json()) as { errors?: string[] };
  assert.equal(answer.status, errors.length === 0 ? 200 : 503);
  return errors;
}

/** The calls of the engine that the decision about its socket lists. */
function listedCalls(): Set<string> {
  const text = readFileSync(join(PATHS.root, "docs/adr/0024-the-engines-socket.md"), "utf8");
  return new Set([...text.matchAll(/^\| `([A-Z]+ \/\S+)` \|/gm)].map(([, call = ""]) => call));
}

describe("watch-queue: the engine", function () {
  this.timeout(400_000);
  withProject((the, engine) => {
    let socket: EngineSocket;
    beforeEach(async () => {
      socket = new EngineSocket(join(the().folder, "engine.sock"), engine.host);
      await socket.mend();
    });
    afterEach(() => socket.cut());

    it("may go away and come back: what ended meanwhile is counted, what is wanted is started", async () => {
      const project = the();
      await project.spawner();
      const watcher = await project.watcher({ DOCKER_HOST: socket.host });
      const address = await watcher.address("watch");
      await project.pushGates("all", 1);
      const [first = ""] = await project.busy(1);
      await waitFor("it to be ready", async () => (await problemsOf(address)).length === 0);
      await socket.cut();
      const told = await waitFor("it not to be ready", async () => {
        const problems = await problemsOf(address);
        return problems.some((line) => line.startsWith("worker: watch: ")) ? problems : null;
      });
      assert.match(told.join("\n"), /worker: watch: docker container ls: .*docker daemon/i);
      project.docker("kill", first);
      await socket.mend();
      await waitFor("another in its place", () => {
        const running = project.running();
        return running.length === 1 && !running.includes(first);
      });
      await waitFor("it to be ready again", async () => (await problemsOf(address)).length === 0);
      assert.deepEqual(await project.exits(), { error: 1 });
      project.open("all");
      await project.settled(0);
    });

    it("is left alone while Redis is away, and what ended meanwhile is counted when it is back", async () => {
      const project = the();
      await project.spawner();
      const watcher = await project.watcher();
      const address = await watcher.address("watch");
      await project.pushGates("all", 2);
      const [killed = "", kept = ""] = await project.busy(2);
      const redis = `${project.name}-redis-1`;
      project.docker("pause", redis);
      try {
        await waitFor("it not to be ready", async () => (await problemsOf(address)).length > 0);
        project.docker("kill", killed);
        await waitFor("its failures to be told", () =>
          watcher.records.some(({ message }) => message === "watch_failed"),
        );
        assert.deepEqual(project.running(), [kept]);
      } finally {
        project.docker("unpause", redis);
      }
      await waitFor("another in its place", () => project.running().length === 2, { everyMs: 200 });
      assert.deepEqual(await project.exits(), { error: 1 });
      await waitFor("it to be ready again", async () => (await problemsOf(address)).length === 0);
      project.open("all");
      await project.settled(0);
    });

    it("is asked for nothing but what is written down", async () => {
      const project = the();
      await project.spawner();
      const watcher = await project.watcher({ DOCKER_HOST: socket.host });
      const ids = await project.pushGates("all", 3);
      await project.busy(3);
      project.open("all");
      await project.results(ids);
      await project.settled(0);
      assert.equal(await watcher.end("SIGTERM"), 0);
      const listed = listedCalls();
      assert.deepEqual(
        [...socket.asked].filter((call) => !listed.has(call)),
        [],
      );
      assert.ok(
        socket.asked.has("POST /containers/{id}/kill") && socket.asked.has("POST /containers/create"),
      );
    });

    it("is used from the watcher's own image, without root, and with the socket's group", async () => {
      const project = the();
      const name = project.watcherContainer(makeWatcherImage(engine));
      try {
        await project.spawner();
        const ids = await project.pushGates("all", 2);
        await project.busy(2);
        project.open("all");
        await project.results(ids);
        await project.settled(0);
        assert.deepEqual(await project.exits(), { idle: 2 });
        project.docker("stop", "--time", "60", name);
        assert.equal(project.docker("inspect", "--format", "{{.State.ExitCode}}", name).trim(), "0");
      } finally {
        project.docker("rm", "--force", name);
      }
    });

    it("has two watchers, of which one acts, and the other when that one is gone", async () => {
      const project = the();
      await project.spawner();
      const first = await project.watcher();
      await first.said("watch_leading");
      const second = await project.watcher();
      await second.said("watch_standing_by");
      await project.pushGates("all", 2);
      await project.busy(2);
      assert.deepEqual(await first.end("SIGKILL"), null);
      await second.said("watch_leading");
      project.open("all");
      await project.settled(0);
      assert.deepEqual(await project.exits(), { idle: 2 });
      assert.equal(second.records.filter(({ message }) => message === "watch_container_ended").length, 2);
    });

    it("gets no container that cannot start, says so, and slows down", async () => {
      const project = the();
      project.define("r1", { WORKER_CONCURRENCY: "none" });
      await project.spawner({ TASKFLEET_SCALE_MAX: "1" });
      const watcher = await project.watcher();
      const address = await watcher.address("watch");
      await project.pushGates("all", 1);
      await watcher.said("watch_starts_paused");
      const [ended] = watcher.records.filter(({ message }) => message === "watch_container_ended");
      assert.deepEqual([ended?.reason, ended?.exit_code], ["error", 2]);
      // What Compose itself refuses.
      project.define("r2", {}, "taskfleet-watch-test-missing");
      const problem = await waitFor("Compose's words", async () =>
        (await problemsOf(address)).find((line) => line.startsWith("worker: start: ")),
      );
      assert.match(problem, /taskfleet-watch-test-missing/);
      const metrics = parsePrometheusText(await (await fetch(`${address}/metrics`)).text());
      const failures = metrics.get("watch_failures_total")?.samples;
      assert.ok((failures?.get('watch_failures_total{service="worker",loop="start"}') ?? 0) > 0);
      project.define("r3");
      project.open("all");
      await waitFor("a worker", async () => (await project.queue.workers.list()).length > 0);
      await project.settled(0);
      assert.deepEqual(await problemsOf(address), []);
    });
  });
});

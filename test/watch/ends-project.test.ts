import assert from "node:assert/strict";
import { waitFor } from "../support/wait.ts";
import type { TestProject } from "./support/project.ts";
import { withProject } from "./support/with-project.ts";

/** Waits until so many ends are counted, and gives them. */
async function counted(project: TestProject, count: number): Promise<Readonly<Record<string, number>>> {
  const sum = (exits: Readonly<Record<string, number>>) => Object.values(exits).reduce((a, b) => a + b, 0);
  await waitFor(`${count} ends to be counted`, async () => sum(await project.exits()) >= count, {
    everyMs: 200,
  });
  return project.exits();
}

describe("watch-queue: how containers end", function () {
  this.timeout(400_000);
  withProject((the) => {
    it("counts a killed container once, replaces it, and its task is done elsewhere", async () => {
      const project = the();
      await project.spawner();
      await project.watcher();
      const ids = await project.pushGates("all", 2);
      const [victim = "", other = ""] = await project.busy(2);
      project.docker("kill", victim);
      await waitFor("another in its place", () => {
        const running = project.running();
        return running.length === 2 && !running.includes(victim) && running.includes(other);
      });
      assert.deepEqual(await counted(project, 1), { error: 1 });
      project.open("all");
      const results = await project.results(ids);
      assert.deepEqual(
        results.map(({ status, attempts }) => [status, attempts]),
        Array(2).fill(["success", 1]),
      );
      await project.settled(0);
      assert.deepEqual(await counted(project, 3), { error: 1, idle: 2 });
    });

    it("counts one that ran out of memory as an error, and says so", async () => {
      const project = the();
      await project.spawner({ TASKFLEET_SCALE_MAX: "1" });
      const watcher = await project.watcher();
      const id = await project.queue.push({ kind: "hog", payload: { file: "/gates/hogged" } });
      const [result] = await project.results([id]);
      assert.deepEqual([result?.status, result?.output], ["success", "spared"]);
      const ended = watcher.records.filter(({ message }) => message === "watch_container_ended");
      const [first] = ended;
      assert.deepEqual([first?.reason, first?.oom, first?.exit_code], ["error", true, 137]);
      await project.settled(0);
      assert.deepEqual(await counted(project, 2), { error: 1, idle: 1 });
    });

    it("counts one that is removed by hand by what its events say", async () => {
      const project = the();
      await project.spawner({ TASKFLEET_SCALE_MAX: "2" });
      await project.watcher();
      await project.pushGates("all", 2);
      const [killed = "", stopped = ""] = await project.busy(2);
      project.docker("rm", "--force", killed);
      assert.deepEqual(await counted(project, 1), { error: 1 });
      project.open("all");
      project.docker("stop", "--time", "60", stopped);
      const ends = await counted(project, 2);
      assert.equal(ends.signal, 1);
      await project.settled(0);
      assert.equal((await counted(project, 3)).error, 1);
    });

    it("counts all that end while it is away, none of them twice", async () => {
      const project = the();
      await project.spawner();
      const first = await project.watcher();
      await project.pushGates("long", 1);
      const short = await project.pushGates("short", 2);
      const busy = await project.busy(3);
      const shortHolders = new Set((await project.queue.workers.list()).map(({ host }) => host));
      assert.equal(shortHolders.size, 3);
      // It dies in the midst: one worker has been asked to end, and does so without it.
      project.open("short");
      await project.results(short);
      await waitFor(
        "one to be asked",
        async () => (await project.queue.redis.hlen(project.queue.keys.drains)) > 0,
      );
      await first.end("SIGKILL");
      const asked = await project.queue.redis.hlen(project.queue.keys.drains);
      await waitFor("who was asked to end", () => project.running().length === 3 - asked);
      const counts = await project.exits();
      const left = project.running();
      const [bare = ""] = left;
      project.docker("kill", bare);
      await project.watcher();
      await waitFor("all that ended to be removed", () => {
        const all = project.containers();
        return all.every(({ state, id }) => state === "running" && id !== bare);
      });
      const ends = await project.exits();
      assert.equal(ends.error, 1, JSON.stringify(counts));
      project.open("long");
      await project.settled(0);
      const all = await project.exits();
      const total = Object.values(all).reduce((a, b) => a + b, 0);
      const made = new Set([...busy, ...(await startedSince(project, busy))]).size;
      assert.deepEqual([all.error, all.idle, total], [1, made - 1, made]);
    });

    it("replaces one that finishes at its maximum uptime", async () => {
      const project = the();
      project.define("r1", { WORKER_MAX_UPTIME: "2" });
      await project.spawner({ TASKFLEET_SCALE_MAX: "1" });
      await project.watcher();
      const ids = await project.pushGates("one", 2);
      const [old = ""] = await project.busy(1);
      // At its maximum uptime it takes no further task, but finishes what it has.
      await waitFor("it to drain", async () =>
        (await project.queue.workers.list()).some(({ state }) => state === "draining"),
      );
      project.open("one");
      const results = await project.results(ids);
      assert.equal(new Set(results.map(({ worker_id }) => worker_id)).size, 2);
      await waitFor("its end", async () => ((await project.exits()).success ?? 0) > 0);
      assert.ok(!project.running().includes(old));
    });
  });
});

/** Containers that were made after these, by what the engine remembers. */
async function startedSince(project: TestProject, before: readonly string[]): Promise<string[]> {
  const exits = await project.queue.redis.zrange(project.queue.keys.exits, "0", "-1");
  return exits.map((run) => run.split("@")[0] ?? "").filter((id) => !before.includes(id));
}

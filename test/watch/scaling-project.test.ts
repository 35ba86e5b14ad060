import assert from "node:assert/strict";
import { giveOrder } from "../../worker/src/adapters/redis/scaling-orders.ts";
import { waitFor } from "../support/wait.ts";
import { withProject } from "./support/with-project.ts";

describe("watch-queue: how many containers there are", function () {
  this.timeout(400_000);
  withProject((the) => {
    it("goes from zero to a worker a task and back, and never ends a busy one", async () => {
      const project = the();
      await project.spawner();
      await project.watcher();
      const long = await project.pushGates("long", 1);
      const short = await project.pushGates("short", 2);
      const before = await project.busy(3);
      project.open("short");
      await project.results(short);
      const [left] = await project.settled(1);
      assert.ok(left !== undefined && before.includes(left));
      assert.deepEqual(await project.busy(1), [left]);
      project.open("long");
      const results = await project.results([...long, ...short]);
      assert.deepEqual(
        results.map(({ status, attempts }) => [status, attempts]),
        Array(3).fill(["success", 1]),
      );
      await project.settled(0);
      assert.deepEqual(await project.exits(), { idle: 3 });
      assert.deepEqual(await project.queue.redis.hgetall(project.queue.keys.drains), {});
    });

    it("starts a worker for a first task long before the scaling interval is over", async () => {
      const project = the();
      await project.spawner({ TASKFLEET_SCALE_INTERVAL: "3600" });
      await project.watcher({ TASKFLEET_WATCH_INTERVAL: "3600" });
      await waitFor("the first decision", () => project.queue.redis.exists(project.queue.keys.scaling));
      const ids = await project.pushGates("one", 1);
      project.open("one");
      await project.results(ids);
    });

    it("takes back what was scaled up by hand, but for who is busy", async () => {
      const project = the();
      await project.spawner({ TASKFLEET_SCALE_MAX: "2", TASKFLEET_SCALE_TASKS_PER_WORKER: "100" });
      await project.watcher();
      const ids = await project.pushGates("all", 3);
      await project.busy(1);
      project.compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", "worker=4", "worker");
      const busy = await project.busy(3);
      const left = await project.settled(3);
      assert.deepEqual([...left].sort(), [...busy].sort());
      project.open("all");
      await project.results(ids);
      await project.settled(0);
    });

    it("leaves everything as it is while it is paused, and goes on at resume", async () => {
      const project = the();
      const { redis, stream } = project.queue;
      await project.spawner();
      await project.watcher();
      await project.pushGates("one", 1);
      await project.busy(1);
      await giveOrder(redis, stream, { mode: "paused", atMs: Date.now() });
      project.compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", "worker=3", "worker");
      const byHand = project.running();
      project.open("one");
      const decided = async () => Number(await redis.hget(project.queue.keys.scaling, "decided-at"));
      const { keys } = project.queue;
      await waitFor(
        "decisions for three live workers, whose idle time is over",
        async () => {
          const { desired, reason, "idle-since": since } = await redis.hgetall(keys.scaling);
          const idle = since !== "" && (await decided()) - Number(since) > 5_000;
          return desired === "3" && reason === "paused" && idle;
        },
        { everyMs: 200 },
      );
      assert.deepEqual(project.running().sort(), [...byHand].sort());
      await giveOrder(redis, stream, { mode: "law" });
      await project.settled(0);
    });

    it("keeps a manual number, over and under what the law wants", async () => {
      const project = the();
      const { redis, stream } = project.queue;
      await project.spawner();
      await project.watcher();
      await giveOrder(redis, stream, { mode: "manual", workers: 2, atMs: Date.now() });
      await project.settled(2);
      const ids = await project.pushGates("all", 3);
      const busy = await project.busy(2);
      await giveOrder(redis, stream, { mode: "manual", workers: 0, atMs: Date.now() });
      await waitFor(
        "the decision",
        async () => (await redis.hget(project.queue.keys.scaling, "desired")) === "0",
      );
      project.open("all");
      await project.results(ids);
      await project.settled(0);
      assert.deepEqual([(await project.exits()).idle, busy.length], [2, 2]);
      await giveOrder(redis, stream, { mode: "law" });
    });
  });
});

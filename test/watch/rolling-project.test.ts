import assert from "node:assert/strict";
import { waitFor } from "../support/wait.ts";
import { withProject } from "./support/with-project.ts";

describe("watch-queue: workers of another revision", function () {
  this.timeout(400_000);
  withProject((the) => {
    it("are replaced one by one when the project changes, and no task is lost or repeated", async () => {
      const project = the();
      await project.spawner();
      await project.watcher();
      const first = await project.pushGates("first", 2);
      const old = await project.busy(2);
      project.define("r2");
      const second = await project.pushGates("second", 2);
      const revisions = async () => (await project.queue.workers.list()).map(({ revision }) => revision);
      await waitFor("a fresh worker", async () => (await revisions()).includes("r2"));
      project.open("first");
      project.open("second");
      const results = await project.results([...first, ...second]);
      const workers = results.slice(0, 2).map(({ worker_id }) => worker_id.split("-")[0]);
      assert.deepEqual(workers.sort(), [...old].sort());
      assert.deepEqual(
        results.map(({ status, attempts }) => [status, attempts]),
        Array(4).fill(["success", 1]),
      );
      await project.settled(0);
      const { error = 0, timeout = 0 } = await project.exits();
      assert.deepEqual([error, timeout], [0, 0]);
    });
  });
});

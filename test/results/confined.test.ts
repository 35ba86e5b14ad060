import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeWorkerGroup } from "../../worker/src/adapters/cgroups/worker-group.ts";
import type { ExecuteOutput } from "../../worker/src/handlers/execute.ts";
import { type OpenCopy, openCopy } from "../support/open-copy.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { TestFleet } from "../worker/support/fleet.ts";
import { reader } from "./support.ts";

const WORKER = 65_532;

describe("a confined worker that root starts", function () {
  this.timeout(60_000);
  let server: TestRedis;
  let fleet: TestFleet;
  let copy: OpenCopy;
  /** Of root alone, as a checkout in root's home is. */
  let folder: string;
  before(async function () {
    copy = await openCopy();
    if (process.getuid?.() !== 0 || copy.helper === "") {
      process.stdout.write("      not tested here: needs root, and the sandbox's helper\n");
      return this.skip();
    }
    server = await startRedis();
    fleet = new TestFleet(server);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-closed-"));
  });
  after(async () => {
    copy.remove();
    if (fleet === undefined) return;
    await fleet.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it("keeps its results as files in a folder that is made for it, below a closed one", async () => {
    const results = join(folder, "results");
    const run = join(folder, "run");
    const settings = {
      TASKFLEET_CONFINE: "on",
      TASKFLEET_RUN_DIRECTORY: run,
      TASKFLEET_HANDLERS: "",
      TASKFLEET_SANDBOX_HELPER: copy.helper,
      TASKFLEET_RESULT_BACKEND: "fs",
      TASKFLEET_RESULT_DIRECTORY: results,
    };
    const worker = fleet.worker(settings, "supervise", copy.main, { node: copy.node });
    const id = await fleet.push("execute", { command: ["sh", "-c", "id -u"] });
    const outcome = (await reader(fleet.queue, results).wait([id])).get(id);
    assert.ok(outcome?.state === "settled", worker.output);
    assert.equal((outcome.result.output as ExecuteOutput).stdout, `${WORKER}\n`);
    const made = ["", ...readdirSync(results, { recursive: true, encoding: "utf8" })];
    const owners = made.map((path) => statSync(join(results, path)).uid);
    assert.deepEqual(owners, [WORKER, WORKER, WORKER, WORKER]);
    await worker.remove();
    await removeWorkerGroup(run, worker.id);
  });
});

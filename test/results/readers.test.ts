import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, ResultUnreadableError } from "../../worker/src/client.ts";
import { cutClients, SessionClient } from "../api/sessions/support.ts";
import { TestApi } from "../api/support.ts";
import { TestFleet as CliFleet } from "../cli/fleet.ts";
import { jsonLine, jsonLines } from "../cli/support.ts";
import { type FleetInFolder, withFleetInFolder } from "../worker/support/fleet.ts";
import { filesIn } from "./support.ts";

describe("a worker that keeps results as files", function () {
  this.timeout(60_000);
  let made: FleetInFolder;
  withFleetInFolder((each) => {
    made = each;
  });
  const settings = () => ({
    TASKFLEET_RESULT_BACKEND: "fs",
    TASKFLEET_RESULT_DIRECTORY: join(made.folder, "results"),
  });

  it("gives the same answers to clients, the API and its sessions", async () => {
    const { fleet, folder } = made;
    const { queue } = fleet;
    const directory = join(folder, "results");
    const api = await TestApi.start(queue, { TASKFLEET_RESULT_DIRECTORY: directory });
    const blind = await TestApi.start(queue);
    const client = (resultDirectory?: string) =>
      createClient({ redisUrl: queue.server.url, stream: queue.stream, resultDirectory });
    const [sees, lacks] = [client(directory), client()];
    const session = await SessionClient.open(api);
    try {
      session.say({ type: "follow", ref: "f", ids: ["a"] });
      await session.next(({ ref }) => ref === "f");
      fleet.worker(settings());
      await fleet.push("sleep", { ms: 1 }, { id: "a" });
      const outcome = await sees.wait("a");
      assert.ok(outcome.state === "settled");
      const { result } = outcome;
      assert.deepEqual([result.status, result.output, result.attempts], ["success", { slept: 1 }, 1]);
      assert.equal(Object.hasOwn(result, "stored"), false);
      assert.equal(filesIn(directory).length, 1);
      assert.deepEqual((await api.get("/api/tasks/a")).body, { id: "a", ...outcome });
      const answer = await api.post("/api/results", { ids: ["a"] });
      assert.deepEqual(answer.body, { tasks: [{ id: "a", ...outcome }] });
      const event = await session.next(({ state }) => state === "succeeded");
      assert.deepEqual(event.result, result);
      await assert.rejects(lacks.result("a"), ResultUnreadableError);
      const refused = await blind.get("/api/tasks/a");
      assert.deepEqual(
        [refused.status, refused.body.type],
        [503, "urn:taskfleet:problem:results-unavailable"],
      );
    } finally {
      cutClients();
      await Promise.all([api.close(), blind.close(), sees.close(), lacks.close()]);
    }
  });

  it("does not start without a folder that it can make, and says which", async () => {
    const { fleet, folder } = made;
    writeFileSync(join(folder, "results"), "a file");
    const worker = fleet.worker({ ...settings(), TASKFLEET_RESULT_DIRECTORY: join(folder, "results/x") });
    assert.notEqual(await worker.ended(), 0);
    assert.match(worker.output, /TASKFLEET_RESULT_DIRECTORY is ".*results\/x" \(ENOTDIR: /);
    const relative = fleet.worker({ ...settings(), TASKFLEET_RESULT_DIRECTORY: "results" });
    assert.notEqual(await relative.ended(), 0);
    assert.match(relative.output, /TASKFLEET_RESULT_DIRECTORY is "results"; allowed: the absolute path/);
  });
});

describe("the command line, where results are files", function () {
  this.timeout(60_000);
  let fleet: CliFleet;
  let folder: string;
  let env: Readonly<Record<string, string>>;
  before(async () => {
    fleet = await CliFleet.start();
    folder = mkdtempSync(join(tmpdir(), "taskfleet-results-"));
    env = { TASKFLEET_RESULT_DIRECTORY: folder };
    await fleet.startWorker("w", { ...env, TASKFLEET_RESULT_BACKEND: "fs" });
  });
  after(async () => {
    await fleet.stop();
    rmSync(folder, { recursive: true });
  });

  it("shows them with push --wait, result and map", async () => {
    const task = '{"kind":"execute","id":"e","payload":{"command":["echo","hello"]}}';
    const pushed = await fleet.cli(["push", "-", "--wait", "--json"], { env, input: task });
    assert.equal(pushed.code, 0, pushed.err);
    const shown = await fleet.cli(["result", "e", "--json"], { env });
    assert.deepEqual(jsonLines(pushed.out).at(-1), jsonLine(shown.out));
    const { result } = jsonLine(shown.out) as { result: { output: { stdout: string } } };
    assert.equal(result.output.stdout, "hello\n");
    writeFileSync(join(folder, "in.txt"), "mapped");
    const mapped = await fleet.cli(["map", "--files-from", "-", "--", "cat"], {
      ...{ env, cwd: folder },
      input: "in.txt",
    });
    assert.deepEqual([mapped.code, mapped.out], [0, "mapped"]);
  });

  it("says what is missing without the folder", async () => {
    const task = '{"kind":"execute","id":"f","payload":{"command":["true"]}}';
    const { code, err } = await fleet.cli(["push", "-", "--wait"], { input: task });
    assert.equal(code, 1);
    assert.match(
      err,
      /^taskfleet: what task f returned is kept in the file peagen\.tasks\/\S+, and no folder of results is set here; set TASKFLEET_RESULT_DIRECTORY .*\n$/,
    );
  });
});

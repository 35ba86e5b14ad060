import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadReport } from "../../worker/src/loadtest/report.ts";
import { type CliRun, cli, jsonLine } from "../cli/support.ts";
import { resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import { quietPort } from "../support/quiet-port.ts";
import { FIRST_KEY, makeKey, publishKinds, TestApi } from "./support.ts";

/** Runs every task that comes, until `stop`. */
function work(queue: TestQueue): { stop(): Promise<void> } {
  const consumer = queue.consumer("w");
  let working = true;
  const done = (async () => {
    while (working)
      for (const task of await consumer.read(50, 20))
        await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
  })();
  return {
    stop: async () => {
      working = false;
      await done;
    },
  };
}

describe("loadtest --via api", function () {
  this.timeout(60_000);
  let queue: TestQueue;
  let folder: string;
  const open: TestApi[] = [];
  withQueue((made) => {
    queue = made;
  });
  beforeEach(async () => {
    await queue.server.client.flushall();
    await publishKinds(queue);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-load-"));
  });
  afterEach(async () => {
    for (const api of open.splice(0)) await api.close();
    rmSync(folder, { recursive: true });
  });
  const start = async (environment: Readonly<Record<string, string>> = {}) => {
    const api = await TestApi.start(queue, environment);
    open.push(api);
    return api;
  };
  /** Redis' address is nobody's: nothing goes past the API. */
  const load = (api: { readonly base: string }, key: string, ...words: readonly string[]): Promise<CliRun> =>
    cli(["loadtest", "--via", "api", "--kind", "k", "--payload", "{}", "--duration", "1s", ...words], {
      cwd: folder,
      env: {
        ...{ TASKFLEET_API_URL: api.base, TASKFLEET_API_KEY: key, TASKFLEET_QUEUE_NAME: queue.stream },
        REDIS_URL: "redis://127.0.0.1:1",
      },
    });

  it("pushes and reads over HTTP alone, and writes the same report", async () => {
    const api = await start();
    const { key } = await makeKey(queue, ["tasks:push", "tasks:read"]);
    const worker = work(queue);
    const { code, out, err } = await load(api, key, "--rate", "50", "--max-p99", "60");
    await worker.stop();
    assert.deepEqual([code, err], [0, ""]);
    const first = `load +50 tasks of k a second for 1\\.0 s, to ${queue.stream} at ${api.base}, over its API`;
    assert.match(out, new RegExp(`^${first}\\ntasks +50: 50 success\\n`));
    const [name = ""] = readdirSync(join(folder, ".var/reports"));
    const report = JSON.parse(readFileSync(join(folder, ".var/reports", name), "utf8")) as LoadReport;
    assert.deepEqual(
      [report.via, report.target, report.stream, report.due, report.ends.success, report.passed],
      ["api", api.base, queue.stream, 50, 50, true],
    );
  });

  it("fails, and says why, when pushes were over the API's limit", async () => {
    const api = await start({ TASKFLEET_API_RATE: "3", TASKFLEET_API_RATE_WINDOW: "3600" });
    const worker = work(queue);
    const words = ["--rate", "10", "--max-errors", "1000", "--json"];
    const { code, out } = await load(api, FIRST_KEY, ...words);
    await worker.stop();
    const { ends, faults, passed } = jsonLine(out) as unknown as LoadReport;
    assert.deepEqual([code, passed, ends.refused], [1, false, 0]);
    assert.equal(ends.success + ends.limited, 10);
    assert.ok(ends.limited > 0);
    assert.deepEqual(faults, [
      `${ends.limited} of 10 tasks were over the API's limit of calls (429): use a key with a rate of its own ` +
        "(taskfleet api-key create --rate 0), or a lower --rate",
    ]);
  });

  it("ends at once, without a report, where the API is not there, or refuses the key or the task", async () => {
    const api = await start();
    const nobody = { base: `http://127.0.0.1:${await quietPort()}` };
    const away = await load(nobody, FIRST_KEY);
    assert.equal(away.code, 3);
    assert.match(
      away.err,
      /^taskfleet: the API at http:\/\/127\.0\.0\.1:\d+ does not answer: connect ECONNREFUSED/,
    );
    const stranger = await load(api, "not-a-key");
    assert.equal(stranger.code, 2);
    assert.match(stranger.err, /answers 401: send `Authorization: Bearer <key>`/);
    const { key } = await makeKey(queue, ["tasks:read"]);
    const reader = await load(api, key);
    assert.equal(reader.code, 2);
    assert.match(
      reader.err,
      /answers 403: this key lacks the verb tasks:push\n {2}The key must have the verbs/,
    );
    const wrong = await load(api, FIRST_KEY, "--kind", "nope");
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /answers 422: tasks\[0\]\.kind: "nope" is no kind that this fleet runs/);
    const unset = await load({ base: "" }, "");
    assert.equal(unset.code, 2);
    assert.match(
      unset.err,
      /^taskfleet: --via api wants TASKFLEET_API_URL \(not set\) and TASKFLEET_API_KEY\n/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FLEET_KEYS } from "../../worker/contract/fleet-keys.ts";
import { queueKeys } from "../../worker/contract/queue-keys.ts";
import { ApiReports } from "../../worker/src/adapters/redis/api-reports.ts";
import { countKinds } from "../../worker/src/cli/status/snapshot.ts";
import { LimitedQueue } from "../support/limited-queue.ts";
import { openQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./fleet.ts";
import { cli, finished, jsonLine, jsonLines } from "./support.ts";

describe("status", function () {
  this.timeout(60_000);
  let fleet: TestFleet;

  before(async () => {
    fleet = await TestFleet.start();
  });
  after(() => fleet.stop());

  it("shows an idle fleet at zero", async () => {
    const { code, out, err } = await fleet.cli(["status"]);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^Queue peagen\.tasks\n {2}state +open\n {2}waiting +0\n/);
    assert.match(out, /\nKinds\n {2}kind +live +pushed +success/);
    assert.match(out, /\n {2}execute +0 +0 +0 +0 +0 +0 +0\n/);
    assert.match(
      out,
      /\nWorkers\n {2}none\n\nSpawner\n {2}leader {2}none\n\nRecord\n {2}off: no spawner has a database\n\nAPI\n {2}none\n$/,
    );
  });

  it("says which controls of workers hold and which are lost, as they were found when the stack came up", async () => {
    const controls = {
      enforced: [{ name: "uid", text: "uid 65532", by: "setpriv" }],
      lost: [
        { name: "cpu", text: "0.5 CPU", reason: "no control group: not root", wayOut: "run it as root" },
      ],
    };
    const env = { TASKFLEET_CONTROLS: JSON.stringify(controls) };
    const { out } = await fleet.cli(["status"], { env });
    assert.match(
      out,
      /\nWorkers\n {2}none\n {2}controls {2}uid 65532\n {2}lost {6}0\.5 CPU: no control group: not root; run it as root\n\n/,
    );
    assert.deepEqual(jsonLine((await fleet.cli(["status", "--json"], { env })).out).controls, controls);
  });

  it("says how far the record is, and which APIs serve, as they report", async () => {
    const { client } = fleet.redis;
    const [seconds] = await client.time();
    const now = Number(seconds) * 1000;
    const { record, events } = queueKeys("peagen.tasks");
    await client.hset(record, { bytes: 1000, used: 340, lost: 12, lost_at: now - 7_200_000 });
    await client.xadd(events, `${now - 3_600_000}-0`, "n", "1");
    const report = {
      ...{ id: "a", host: "h", pid: 7, started_at: now, streams: ["peagen.tasks"] },
      ...{ address: "http://127.0.0.1:8080", metrics: "http://127.0.0.1:41000" },
    };
    const reports = new ApiReports(client);
    await reports.report({ ...report, errors: [] });
    await reports.report({ ...report, id: "b", errors: ["database: it is away"] });
    await client.hset(
      FLEET_KEYS.apis,
      "gone",
      `${now - 60_000} ${JSON.stringify({ ...report, id: "gone" })}`,
    );
    const { out } = await fleet.cli(["status"]);
    assert.match(
      out,
      /\nRecord\n {2}on, 1 h 00 m behind, 340 bytes wait, 12 changes lost, the last 2 h 00 m ago\n/,
    );
    const line =
      "  http://127\\.0\\.0\\.1:8080  STATE, metrics http://127\\.0\\.0\\.1:41000, seen [^\n]+ ago\n";
    const lines = ["ready", "not ready: database: it is away"].map((state) => line.replace("STATE", state));
    assert.match(out, new RegExp(`\nAPI\n${lines.join("")}$`));
    const status = jsonLine((await fleet.cli(["status", "--json"])).out);
    const { on, waitingBytes, lost, lostAt } = status.record as Record<string, unknown>;
    assert.deepEqual([on, waitingBytes, lost, lostAt], [true, 340, 12, now - 7_200_000]);
    const apis = status.apis as Record<string, unknown>[];
    assert.deepEqual(
      apis.map(({ id, address, errors }) => [id, address, errors]),
      [
        ["a", "http://127.0.0.1:8080", []],
        ["b", "http://127.0.0.1:8080", ["database: it is away"]],
      ],
    );
    // A report also drops those that are too old.
    assert.equal(await client.hexists(FLEET_KEYS.apis, "gone"), 1);
    await reports.report({ ...report, errors: [] });
    assert.deepEqual((await client.hkeys(FLEET_KEYS.apis)).sort(), ["a", "b"]);
    await reports.forget("a");
    assert.deepEqual(await client.hkeys(FLEET_KEYS.apis), ["b"]);
    await fleet.empty();
  });

  it("says for programs what waits, runs and was done, who works and who leads", async () => {
    await fleet.startSpawner();
    await fleet.startWorker("worker-a", { WORKER_CONCURRENCY: "2" });
    await fleet.cli(["push", "word-count", "--payload", '{"text":"x"}', "--wait"]);
    await fleet.cli(["push", "sleep", "--payload", '{"ms":1}', "--delay", "3600"]);
    const status = jsonLine((await fleet.cli(["status", "--json"])).out);
    const kinds = status.kinds as { kind: string }[];
    assert.deepEqual(
      kinds.filter(({ kind }) => kind === "sleep" || kind === "word-count"),
      [
        { kind: "sleep", live: 1, enqueued: 1, success: 0, error: 0, cancelled: 0, dead: 0, retry: 0 },
        { kind: "word-count", live: 0, enqueued: 1, success: 1, error: 0, cancelled: 0, dead: 0, retry: 0 },
      ],
    );
    const { waiting, running, delayed, deadLetters, paused } = status.queue as Record<string, unknown>;
    assert.deepEqual([waiting, running, delayed, deadLetters, paused], [0, 0, 1, 0, false]);
    assert.deepEqual(status.counters, { late: 0, reclaimed: 0, released: 0, poisoned: 0, requeued: 0 });
    const [worker] = status.workers as Record<string, unknown>[];
    assert.deepEqual([worker?.worker_id, worker?.slots, worker?.holding], ["worker-a", 2, 0]);
    assert.equal(typeof status.leader, "string");
  });

  it("--watch --json prints a line a second until SIGINT, which is no failure", async () => {
    const child = fleet.startCli(["status", "--watch", "--json"]);
    let seen = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString("utf8");
    });
    const end = finished(child);
    await waitFor("two lines", () => seen.split("\n").length > 2);
    child.kill("SIGINT");
    const { code, err } = await end;
    assert.deepEqual([code, err], [0, ""]);
    assert.ok(jsonLines(seen).every(({ stream }) => stream === "peagen.tasks"));
  });

  it("lists kinds with their schemas", async () => {
    const { out } = await fleet.cli(["kinds"]);
    assert.match(out, /^kind +version +what it does\nexecute +1\.1\.0 +Runs a program/);
    const schema = await fleet.cli(["kinds", "sleep", "--schema"]);
    assert.match(schema.out, /^sleep 1\.0\.0: Sleeps.*\n\{\n {2}"type": "object"/);
    const unknown = await fleet.cli(["kinds", "nap"]);
    assert.equal(unknown.code, 2);
    assert.match(
      unknown.err,
      /^taskfleet: kind: "nap" is no kind that this fleet runs; known kinds: execute, /,
    );
  });

  it("looks at another stream when told to", async () => {
    const depth = jsonLine((await fleet.cli(["queue", "depth", "--json", "--stream", "gpu.tasks"])).out);
    assert.equal(depth.delayed, 0);
  });

  it("says what the limits of kinds keep from starting, apart from what waits", async () => {
    const queue = openQueue(fleet.redis, "llm.tasks");
    const given = new LimitedQueue(queue);
    await given.push("a", "b", "c");
    assert.equal(await given.admit(given.limiter({ concurrency: 1 })), "a:admitted b:parked c:parked");
    queue.close();
    const { waiting, parked, parkedBy, running } = jsonLine(
      (await fleet.cli(["queue", "depth", "--json", "--stream", "llm.tasks"])).out,
    );
    assert.deepEqual(
      { waiting, parked, parkedBy, running },
      { waiting: 0, parked: 2, parkedBy: { k: 2 }, running: 1 },
    );
    const { out } = await fleet.cli(["status", "--stream", "llm.tasks"]);
    assert.match(out, /\n {2}waiting +0\n {2}parked +2, by their kind's limits: k 2\n {2}running +1\n/);
  });

  it("counts kinds that are no longer published, and no other counters", () => {
    const stats = { "enqueued:old": 3, "task:old:h:dead": 1, "task:old:h2:dead": 1, "exit:idle": 4, late: 2 };
    assert.deepEqual(countKinds(stats, new Map()), [
      { kind: "old", live: 0, enqueued: 3, success: 0, error: 0, cancelled: 0, dead: 2, retry: 0 },
    ]);
  });
});

describe("logs and worker --check", () => {
  it("prints the last lines of the log directory as they are, for programs", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-cli-logs-"));
    writeFileSync(join(folder, "a.log"), '{"timestamp":"2026-01-01T00:00:02Z","message":"second"}\n');
    writeFileSync(join(folder, "b.log"), '{"timestamp":"2026-01-01T00:00:01Z","message":"first"}\n');
    const { code, out } = await cli(["logs"], { env: { TASKFLEET_LOG_DIRECTORY: folder } });
    rmSync(folder, { recursive: true });
    assert.deepEqual([code, jsonLines(out).map(({ message }) => message)], [0, ["first", "second"]]);
  });

  it("says where logs would come from when no directory is set", async () => {
    const { code, err } = await cli(["logs"]);
    assert.equal(code, 2);
    assert.match(err, /^taskfleet: no log directory is set\n {2}TASKFLEET_LOG_DIRECTORY names it/);
  });

  it("worker --check tells what is wrong, without starting", async () => {
    const env = { REDIS_URL: "redis://127.0.0.1:1", TASKFLEET_HANDLERS: "/no/such/folder" };
    const { code, out } = await cli(["worker", "--check"], { env });
    assert.equal(code, 1);
    assert.match(
      out,
      /^settings: ok.*\nhandlers: wrong.*\nredis: wrong, cannot reach Redis at 127\.0\.0\.1:1/s,
    );
  });
});

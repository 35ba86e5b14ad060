import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeadLetterExport } from "../../worker/contract/records.ts";
import { TestFleet } from "./fleet.ts";
import { jsonLines } from "./support.ts";

describe("queue dlq", function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let folder = "";
  const dlq = (words: readonly string[], input = "") => fleet.cli(["queue", "dlq", ...words], { input });
  const depth = async () => jsonLines((await fleet.cli(["queue", "depth", "--json"])).out)[0];

  before(async () => {
    fleet = await TestFleet.start();
    await fleet.startSpawner();
    await fleet.startWorker("worker-a");
    folder = mkdtempSync(join(tmpdir(), "taskfleet-dlq-"));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await fleet.stop();
  });
  beforeEach(() => fleet.cli(["queue", "resume"]));

  /** Buries `flaky` tasks of these ids and returns the path of their export. */
  async function bury(ids: readonly string[]): Promise<string> {
    const lines = ids.map((id) => `{"kind":"flaky","id":"${id}","payload":{"failures":99},"max_attempts":2}`);
    const { code, err } = await fleet.cli(["push", "-", "--wait"], { input: lines.join("\n") });
    assert.deepEqual([code, err], [1, ""]);
    const file = join(folder, `${ids[0]}.json`);
    const exported = await dlq(["export"]);
    assert.equal(exported.code, 0);
    writeFileSync(file, exported.bytes);
    return file;
  }

  it("exports all with their error history, and goes on keeping them", async () => {
    const file = await bury(["exp-1", "exp-2"]);
    const { out } = await dlq(["export", "--kind", "flaky"]);
    const { v, stream, tasks } = JSON.parse(out) as DeadLetterExport;
    assert.deepEqual([v, stream, tasks.map(({ id }) => id).sort()], [1, "peagen.tasks", ["exp-1", "exp-2"]]);
    assert.deepEqual(
      tasks[0]?.errors.map(({ attempt, message, reason }) => [attempt, message, reason]),
      [
        [1, "run 1 fails, as the payload asks", "handler"],
        [2, "run 2 fails, as the payload asks", "handler"],
      ],
    );
    assert.deepEqual(
      (JSON.parse((await dlq(["export", "--kind", "sleep"])).out) as DeadLetterExport).tasks,
      [],
    );
    assert.equal((await dlq(["requeue", file, "--dry-run"])).out, "2 would be requeued\n");
    assert.equal((await depth())?.deadLetters, 2);
  });

  it("requeues a file once, however often it is asked to", async () => {
    const file = await bury(["twice-1"]);
    await fleet.cli(["queue", "pause"]);
    const first = await dlq(["requeue", file, "--json"]);
    const states = new Map(jsonLines(first.out).map(({ id, state }) => [id, state]));
    assert.deepEqual([first.code, states.get("twice-1")], [0, "requeued"]);
    assert.deepEqual((await depth())?.deadLetters, 0);
    const again = jsonLines((await dlq(["requeue", "-", "--json"], read(file))).out);
    assert.deepEqual([...new Set(again.map(({ state }) => state))], ["waiting"]);
    const pushed = states.size;
    assert.equal((await depth())?.waiting, pushed);
    await fleet.cli(["queue", "resume"]);
    const ids = [...states.keys()].map(String);
    assert.equal((await fleet.cli(["result", "--wait", ...ids])).code, 1);
    const third = jsonLines((await dlq(["requeue", file, "--json"])).out);
    assert.deepEqual([...new Set(third.map(({ state }) => state))], ["already-requeued"]);
    assert.equal((await depth())?.deadLetters, pushed);
  });

  it("requeues a file into an empty Redis", async () => {
    const file = await bury(["moved-1"]);
    await fleet.empty();
    await fleet.cli(["queue", "pause"]);
    const { code, out } = await dlq(["requeue", file, "--json"]);
    assert.equal(code, 0);
    assert.ok(jsonLines(out).every(({ state }) => state === "requeued"));
    assert.equal((await depth())?.waiting, jsonLines(out).length);
    await fleet.empty();
  });

  it("requeues by id and by kind, and names ids that are unknown", async () => {
    await bury(["by-id-1", "by-id-2"]);
    const some = await dlq(["requeue", "--id", "by-id-1", "nobody"]);
    assert.deepEqual([some.code, some.out], [1, "1 requeued\n1 not a dead letter\n  nobody\n"]);
    assert.equal((await dlq(["requeue", "--kind", "sleep"])).out, "no dead letters\n");
    const rest = await dlq(["requeue", "--kind", "flaky", "--json"]);
    assert.ok(jsonLines(rest.out).some(({ id, state }) => id === "by-id-2" && state === "requeued"));
  });

  it("lists dead letters for people and programs", async () => {
    await fleet.empty();
    assert.equal((await dlq(["list"])).out, "no dead letters\n");
    await bury(["list-1"]);
    const { out } = await dlq(["list"]);
    assert.match(
      out,
      /^id {6}kind {3}runs +buried {2}why\nlist-1 {2}flaky +2 .* ago {2}Moved to DLQ: run 2 fails/,
    );
    assert.deepEqual(
      jsonLines((await dlq(["list", "--json", "--limit", "1"])).out).map(({ id, payload }) => [id, payload]),
      [["list-1", '{"failures":99}']],
    );
  });

  it("groups them by cause, and requeues those of one cause", async () => {
    await fleet.empty();
    const fails = (id: string, max_attempts: number) => ({
      kind: "flaky",
      id,
      payload: { failures: 9 },
      max_attempts,
    });
    const slow = { kind: "sleep", id: "slow-1", payload: { ms: 60_000 }, timeout: 0.05, max_attempts: 1 };
    const tasks = [fails("fails-1", 1), fails("fails-2", 2), slow];
    assert.equal((await fleet.cli(["push", "-", "--wait"], { input: JSON.stringify(tasks) })).code, 1);
    const { code, out, err } = await dlq(["clusters"]);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(
      out,
      /^cluster +count +kind +reason +first +last +for example +why\n[0-9a-f]{8} +2 +flaky +handler .* ago +fails-[12] +run [12] fails, as the payload asks\n/,
    );
    assert.match(out, /\n3 dead letters in 2 clusters\n$/);
    assert.match((await dlq(["clusters", "--limit", "1"])).out, /clusters, the largest 1 shown\n$/);
    const [most] = jsonLines((await dlq(["clusters", "--json"])).out);
    assert.deepEqual([most?.count, most?.reason], [2, "handler"]);
    const cluster = String(most?.fingerprint);
    const ids = (lines: string) => jsonLines(lines).map(({ id }) => id);
    assert.deepEqual(ids((await dlq(["list", "--cluster", cluster, "--json"])).out).sort(), [
      "fails-1",
      "fails-2",
    ]);
    const exported = JSON.parse((await dlq(["export", "--cluster", cluster])).out) as DeadLetterExport;
    assert.equal(exported.tasks.length, 2);
    assert.equal((await dlq(["requeue", "--cluster", cluster, "--dry-run"])).out, "2 would be requeued\n");
    await fleet.cli(["queue", "pause"]);
    assert.equal((await dlq(["requeue", "--cluster", cluster])).out, "2 requeued\n");
    assert.deepEqual(ids((await dlq(["list", "--json"])).out), ["slow-1"]);
    const slip = await dlq(["list", "--cluster", "everything"]);
    assert.deepEqual([slip.code, slip.out], [2, ""]);
    assert.match(slip.err, /Give eight hex digits, as `queue dlq clusters` prints them\.\n/);
    await fleet.empty();
    assert.equal((await dlq(["clusters"])).out, "no dead letters\n");
  });

  it("leaves letters alone whose kind is gone, unless it is forced to take them", async () => {
    await fleet.empty();
    const file = await bury(["gone-1"]);
    const orphans = join(folder, "orphans.json");
    writeFileSync(orphans, withFirst(read(file), { kind: "removed" }));
    const says = "left alone: the fleet does not run its kind (--force requeues it all the same)\n";
    assert.deepEqual(await dlq(["requeue", orphans]).then(({ code, out }) => [code, out]), [1, `1 ${says}`]);
    assert.deepEqual(jsonLines((await dlq(["requeue", orphans, "--json"])).out), [
      { id: "gone-1", state: "no-handler" },
    ]);
    await fleet.cli(["queue", "pause"]);
    const forced = await dlq(["requeue", orphans, "--force"]);
    assert.deepEqual([forced.code, forced.out], [0, "1 requeued\n"]);
    await fleet.empty();
  });

  it("refuses a malformed export with the place, and requeues nothing of it", async () => {
    const good = read(await bury(["bad-1"]));
    const hint = "  It must be what `queue dlq export` wrote.\n";
    const wrong: readonly (readonly [string, string])[] = [
      ["{", "not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)"],
      ["[]", "no export: an object with an array `tasks` is missing"],
      [good.replace('"v":1', '"v":2'), "v: 2, but only version 1 is known"],
      [
        good.replace(/"attempts":\d+/, '"attempts":"many"'),
        'tasks[0].attempts: a whole number, 0 or more, not "many"',
      ],
      [good.replace(/"payload":"[^,]*,/, ""), "tasks[0].payload: JSON as a text, not missing"],
      [good.replace('"stream":"peagen.tasks"', '"stream":7'), "stream: the name of a stream, not 7"],
      [withFirst(good, { options: "null" }), `tasks[0].options: ${OPTIONS}, not "null"`],
      [
        withFirst(good, { options: '{"timeoutMs":"1"}' }),
        `tasks[0].options: ${OPTIONS}, not "{\\"timeoutMs\\":\\"1\\"}"`,
      ],
      [
        withFirst(good, { options: '{"retries":1}' }),
        `tasks[0].options: ${OPTIONS}, not "{\\"retries\\":1}"`,
      ],
      [withFirst(good, { errors: [null] }), "tasks[0].errors: an array of attempts' errors, not [null]"],
    ];
    for (const [input, reason] of wrong) {
      const { code, out, err } = await dlq(["requeue", "-"], input);
      assert.deepEqual(
        [code, out, err],
        [2, "", `taskfleet: standard input: ${reason}; nothing was requeued\n${hint}`],
      );
    }
    assert.equal((await depth())?.waiting, 0);
  });

  it("asks before an export goes to another stream than its own", async () => {
    const file = await bury(["other-1"]);
    const env = { TASKFLEET_QUEUE_NAME: "other.tasks" };
    const { code, out, err } = await fleet.cli(["queue", "dlq", "requeue", file], { env });
    assert.deepEqual(
      [code, out, err],
      [
        2,
        "",
        `taskfleet: ${file} is an export of peagen.tasks, and the stream here is other.tasks; nothing was requeued\n` +
          "  Say which is meant: --stream peagen.tasks or --stream other.tasks.\n",
      ],
    );
    const meant = ["queue", "dlq", "requeue", file, "--stream", "other.tasks", "--dry-run"];
    assert.equal((await fleet.cli(meant, { env })).code, 0);
  });

  it("asks which dead letters are meant", async () => {
    for (const words of [[], ["--all", "--kind", "flaky"]]) {
      const { code, err } = await dlq(["requeue", ...words]);
      assert.equal(code, 2);
      assert.match(
        err,
        /^taskfleet: say which dead letters: exactly one of a FILE, --id, --kind, --cluster or --all\n/,
      );
    }
  });
});

const OPTIONS = "empty, or a JSON object as a text, with timeoutMs and maxAttempts at most";

/** An export with some fields of its first dead letter changed. */
function withFirst(source: string, fields: Readonly<Record<string, unknown>>): string {
  const parsed = JSON.parse(source) as DeadLetterExport;
  const [first, ...others] = parsed.tasks;
  return JSON.stringify({ ...parsed, tasks: [{ ...first, ...fields }, ...others] });
}

function read(file: string): string {
  return readFileSync(file, "utf8");
}

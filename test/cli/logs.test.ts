import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logFilter } from "../../worker/src/cli/logs/log-filter.ts";
import { LogFollower } from "../../worker/src/cli/logs/log-follower.ts";
import { formatLine } from "../../worker/src/cli/logs/log-line.ts";
import { TestFleet } from "../support/fleet.ts";
import { waitFor } from "../support/wait.ts";
import { finished, startCli } from "./support.ts";

const record = (second: number, message: string) =>
  JSON.stringify({ timestamp: `2026-01-01T00:00:0${second}.000Z`, level: "info", message, logger: "w" });

describe("logs", () => {
  let directory = "";
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(""));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "taskfleet-logs-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("merges the last lines of all files by time; what has no time stays behind its line", () => {
    write("a.log", [record(1, "a1"), "    at stack", record(4, "a4")]);
    write("b.log", [record(2, "b2"), record(3, "b3")]);
    write("notes.txt", ["not a log"]);
    const lines = new LogFollower({ directory }).last(4);
    assert.deepEqual(
      lines.map(({ source, text }) => [source, text]),
      [
        ["a", "    at stack"],
        ["b", record(2, "b2")],
        ["b", record(3, "b3")],
        ["a", record(4, "a4")],
      ],
    );
  });

  it("reads the last lines of a file that is larger than one reading", () => {
    const texts = Array.from({ length: 3000 }, (_, at) => `${record(1, `m${at}`)} ${"x".repeat(50)}`);
    write("a.log", texts);
    const last = new LogFollower({ directory }).last(2000);
    assert.deepEqual(
      last.map(({ text }) => text),
      texts.slice(-2000),
    );
  });

  it("takes only the files of one worker", () => {
    write("worker-1.log", [record(1, "one")]);
    write("worker-2.log", [record(1, "two")]);
    const lines = new LogFollower({ directory, source: "worker-2" }).last(10);
    assert.deepEqual(
      lines.map(({ text }) => text),
      [record(1, "two")],
    );
  });

  it("follows old, new and rewritten files, whole lines only", async () => {
    write("a.log", [record(1, "old")]);
    const follower = new LogFollower({ directory });
    follower.last(0);
    const seen: string[] = [];
    const ending = new AbortController();
    const followed = follower.follow((lines) => {
      seen.push(...lines.map(({ text }) => text));
    }, ending.signal);
    appendFileSync(join(directory, "a.log"), "begun");
    write("b.log", ["new file"]);
    await waitFor("the new file's line", () => seen.length === 1);
    appendFileSync(join(directory, "a.log"), " and ended\n");
    await waitFor("the whole line", () => seen.length === 2);
    truncateSync(join(directory, "a.log"));
    appendFileSync(join(directory, "a.log"), "rewritten\n");
    await waitFor("the line of the rewritten file", () => seen.length === 3);
    ending.abort();
    await followed;
    assert.deepEqual(seen, ["new file", "begun and ended", "rewritten"]);
  });

  /** Follows until `stop`; `seen` are the texts so far. */
  function following(follower: LogFollower) {
    const seen: string[] = [];
    const ending = new AbortController();
    const ended = follower.follow((lines) => {
      seen.push(...lines.map(({ text }) => text));
    }, ending.signal);
    return { seen, ended, stop: () => ending.abort() };
  }

  it("follows a file that was moved away and begun anew, also when the new one is longer", async () => {
    write("a.log", ["old"]);
    const follower = new LogFollower({ directory });
    follower.last(0);
    const { seen, ended, stop } = following(follower);
    renameSync(join(directory, "a.log"), join(directory, "a.log.1"));
    write("a.log", ["the first line of the new file", "the second"]);
    await waitFor("the new file's lines", () => seen.length === 2);
    stop();
    await ended;
    assert.deepEqual(seen, ["the first line of the new file", "the second"]);
  });

  it("puts lines that files got at once in the order of their times", async () => {
    const follower = new LogFollower({ directory });
    const { seen, ended, stop } = following(follower);
    write("z.log", [record(1, "z1"), record(3, "z3")]);
    write("a.log", [record(2, "a2"), record(4, "a4")]);
    await waitFor("all lines", () => seen.length === 4);
    stop();
    await ended;
    assert.deepEqual(seen, [record(1, "z1"), record(2, "a2"), record(3, "z3"), record(4, "a4")]);
  });

  it("ends with an error when its folder goes away", async () => {
    const folder = join(directory, "logs");
    mkdirSync(folder);
    const { ended } = following(new LogFollower({ directory: folder }));
    const failed = assert.rejects(ended, {
      message: `the log directory ${JSON.stringify(folder)}: no such file`,
    });
    rmSync(folder, { recursive: true });
    await failed;
  });

  it("waits with reading on until what it gave was taken", async () => {
    const follower = new LogFollower({ directory });
    const ending = new AbortController();
    const given: string[][] = [];
    const taken = Promise.withResolvers<void>();
    const ended = follower.follow((lines) => {
      given.push(lines.map(({ text }) => text));
      return given.length === 1 ? taken.promise : undefined;
    }, ending.signal);
    write("a.log", ["one"]);
    await waitFor("the first line", () => given.length === 1);
    appendFileSync(join(directory, "a.log"), "two\n");
    appendFileSync(join(directory, "a.log"), "three\n");
    taken.resolve();
    await waitFor("the others", () => given.flat().length === 3);
    ending.abort();
    await ended;
    assert.deepEqual(given.flat(), ["one", "two", "three"]);
  });

  it("takes only records of a task, a kind or a level, with the lines that belong to them", () => {
    const event = (second: number, fields: object) =>
      JSON.stringify({ timestamp: `2026-01-01T00:00:0${second}.000Z`, level: "info", ...fields });
    const lines = [
      event(1, { kind: "sleep", task_id: "a" }),
      "    of a",
      event(2, { kind: "execute", task_id: "b", level: "warning" }),
      "    of b",
      event(3, { level: "error" }),
    ];
    write("w.log", [
      ...lines,
      ...Array.from({ length: 3000 }, () => event(4, { level: "debug", note: "x".repeat(50) })),
    ]);
    const chosen = (filter: Parameters<typeof logFilter>[0]) =>
      new LogFollower({ directory, accepts: logFilter(filter) }).last(3).map(({ text }) => text);
    assert.deepEqual(chosen({ kind: "sleep" }), lines.slice(0, 2));
    assert.deepEqual(chosen({ task: "b" }), lines.slice(2, 4));
    assert.deepEqual(chosen({ kind: "sleep", task: "b" }), []);
    assert.deepEqual(chosen({ level: "warning" }), lines.slice(2));
    assert.deepEqual(chosen({ level: "info" }), lines.slice(2));
    assert.equal(chosen({ level: "debug" }).length, 3);
  });

  it("shows a record on one line for people, and takes its control characters away", () => {
    const text = JSON.stringify({
      timestamp: "2026-01-01T00:00:01.250Z",
      level: "warning",
      message: "worker_pool_poll\u001b[31m_error",
      logger: "worker",
      kind: "execute",
      note: "two words",
      exception: "Error: gone\n    at redis",
    });
    assert.equal(
      formatLine({ source: "w1", text, at: Date.parse("2026-01-01T00:00:01.250Z") }),
      '00:00:01.250 warning w1  worker_pool_poll_error  kind=execute note="two words"\n' +
        "    Error: gone\n        at redis",
    );
  });

  it("names a directory that is not there", () => {
    const follower = new LogFollower({ directory: join(directory, "gone") });
    assert.throws(() => follower.last(1), {
      message: `the log directory ${JSON.stringify(join(directory, "gone"))}: no such file`,
    });
  });
});

describe("logs -f of real workers", function () {
  this.timeout(120_000);
  let fleet: TestFleet;

  before(async () => {
    fleet = await TestFleet.open();
    await fleet.spawner();
  });
  after(() => fleet.close());

  const follow = (...words: readonly string[]) => {
    const env = { TASKFLEET_LOG_DIRECTORY: join(fleet.folder, "logs") };
    const child = startCli(["logs", "-f", ...words], { env });
    let seen = "";
    child.stdout?.on("data", (part: Buffer) => {
      seen += part.toString();
    });
    return { child, end: finished(child), seen: () => seen };
  };

  it("shows tasks of workers that start later, by kind and by task; Ctrl-C ends it with 0", async () => {
    const [first = ""] = await fleet.pushGates("first", 1);
    await fleet.busy(1);
    const all = follow("--kind", "gate");
    await waitFor("the first task", () => all.seen().includes(first));
    const others = await fleet.pushGates("others", 2);
    const one = follow("--task", others[1] ?? "");
    await waitFor("the tasks of workers that started since", () =>
      others.every((id) => all.seen().includes(id)),
    );
    await waitFor("the one task", () => one.seen().includes(others[1] ?? ""));
    fleet.open("first");
    fleet.open("others");
    await fleet.results([first, ...others]);
    await fleet.atZero();
    for (const { child } of [all, one]) child.kill("SIGINT");
    const ends = await Promise.all([all.end, one.end]);
    assert.deepEqual(
      ends.map(({ code, err }) => [code, err]),
      [
        [0, ""],
        [0, ""],
      ],
    );
    assert.ok(ends[0]?.out.split("\n").every((line) => line === "" || JSON.parse(line).kind === "gate"));
    assert.ok(
      ends[1]?.out.split("\n").every((line) => line === "" || JSON.parse(line).task_id === others[1]),
    );
  });

  it("ends without a word when its reader goes", async () => {
    const { child, end, seen } = follow();
    await waitFor("some lines", () => seen() !== "");
    child.stdout?.destroy();
    appendFileSync(join(fleet.folder, "logs", "more.log"), "a line for nobody\n");
    const { code, err } = await end;
    assert.deepEqual([code, err], [0, ""]);
  });
});

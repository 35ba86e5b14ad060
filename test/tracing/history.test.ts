import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HistoryLine } from "../../worker/contract/history.ts";
import { HistoryFile } from "../../worker/src/history/history-file.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "../worker/support/fleet.ts";

const SECRETS = join(import.meta.dirname, "../secrets/fixtures/handlers");
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const WRITER = join(import.meta.dirname, "support/history-writer.ts");

describe("the history of executions", function () {
  this.timeout(60_000);
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-history-"));
    path = join(folder, "logs", "execution_history.jsonl");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const names = () => readdirSync(join(folder, "logs")).toSorted();
  const lines = (file = path) => readFileSync(file, "utf8").split("\n").slice(0, -1);

  describe("as a file", () => {
    it("is put aside before it becomes too long, and so many files are kept", () => {
      const file = new HistoryFile(path, 20, 2);
      for (const letter of "abcdefg") file.append(`${letter.repeat(8)}\n`);
      file.close();
      assert.deepEqual(names(), [
        "execution_history.jsonl",
        "execution_history.jsonl.1",
        "execution_history.jsonl.2",
      ]);
      assert.deepEqual(
        [lines(`${path}.2`), lines(`${path}.1`), lines()],
        [["cccccccc", "dddddddd"], ["eeeeeeee", "ffffffff"], ["gggggggg"]],
      );
    });

    it("is followed by its other writers when one of them puts it aside", () => {
      const [one, other] = [new HistoryFile(path, 20, 3), new HistoryFile(path, 20, 3)];
      one.append("aaaaaaaa\n");
      other.append("bbbbbbbb\n");
      one.append("cccccccc\n");
      other.append("dddddddd\n");
      assert.deepEqual(
        [lines(`${path}.1`), lines()],
        [
          ["aaaaaaaa", "bbbbbbbb"],
          ["cccccccc", "dddddddd"],
        ],
      );
      one.close();
      other.close();
    });

    it("grows while another is putting it aside, but not for the lock of one that died", () => {
      const file = new HistoryFile(path, 10, 2);
      file.append("aaaaaaaa\n");
      writeFileSync(`${path}.lock`, "");
      file.append("bbbbbbbb\n");
      assert.deepEqual(lines(), ["aaaaaaaa", "bbbbbbbb"]);
      const long = new Date(Date.now() - 60_000);
      utimesSync(`${path}.lock`, long, long);
      file.append("cccccccc\n");
      file.append("dddddddd\n");
      assert.deepEqual(lines(), ["dddddddd"]);
      assert.equal(existsSync(`${path}.lock`), false);
      file.close();
    });

    it("loses and tears no line of many processes that write and put it aside at once", async () => {
      const [writers, each] = [4, 2_000];
      const processes: ChildProcess[] = Array.from({ length: writers }, (_, n) =>
        spawn(process.execPath, [WRITER, path, "40000", "100", String(n), String(each)], {
          stdio: "inherit",
        }),
      );
      const ends = await Promise.all(processes.map(async (child) => (await once(child, "exit"))[0]));
      assert.deepEqual(ends, Array(writers).fill(0));
      const files = names().filter((name) => !name.endsWith(".lock"));
      const all = files.flatMap((name) => lines(join(folder, "logs", name)).map((line) => JSON.parse(line)));
      const seen = new Set(all.map(({ writer, at }) => `${writer} ${at}`));
      assert.deepEqual([all.length, seen.size], [writers * each, writers * each]);
      assert.ok(files.length > 5, `${files.length} files`);
    });
  });

  describe("of a worker", () => {
    let server: TestRedis;
    let fleet: TestFleet;
    before(async () => {
      server = await startRedis();
    });
    after(() => server.stop());
    beforeEach(() => {
      fleet = new TestFleet(server);
    });
    afterEach(() => fleet.close());

    const history = (): HistoryLine[] => lines().map((line) => JSON.parse(line) as HistoryLine);
    const written = (count: number) =>
      waitFor(`${count} lines`, () => (existsSync(path) && lines().length >= count ? history() : undefined));

    for (const role of ["worker", "supervise"] as const) {
      it(`has a line for each attempt that ended (${role})`, async () => {
        const running = await fleet.worker({ TASKFLEET_HISTORY: path }, role).ready();
        const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
        await fleet.result(await fleet.push("third-time", {}, { id: "t", traceparent }));
        await fleet.letter(await fleet.push("fails", {}, { id: "d", maxAttempts: 1 }));
        await fleet.result(await fleet.push("fails-for-good", {}, { id: "e" }));
        const found = await written(5);
        const common = {
          queue: fleet.queue.stream,
          worker_id: running.id,
          image_tag: "bundle:sha256:test",
        };
        const plain = found.map(({ timestamp, duration_ms, ...line }) => {
          assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
          assert.ok(Number.isInteger(duration_ms));
          return line;
        });
        const error = (message: string) => ({ error: { reason: "handler", message } });
        const third = { ...common, task_id: "t", kind: "third-time", trace_id: TRACE };
        assert.deepEqual(plain, [
          { ...third, attempt: 1, outcome: "retry", ...error("not yet") },
          { ...third, attempt: 2, outcome: "retry", ...error("not yet") },
          { ...third, attempt: 3, outcome: "success" },
          { ...common, task_id: "d", kind: "fails", attempt: 1, outcome: "dead", ...error("run 1") },
          {
            ...common,
            task_id: "e",
            kind: "fails-for-good",
            attempt: 1,
            outcome: "error",
            ...error("never"),
          },
        ]);
      });
    }

    it("is written by the supervisor where the worker is confined, and holds no secret", async () => {
      const settings = {
        ...{ TASKFLEET_CONFINE: "on", TASKFLEET_CPU: "2", TASKFLEET_HANDLERS: SECRETS },
        ...{ TASKFLEET_HISTORY: path, OPENAI_API_KEY: 'sk-canary/one"+=' },
      };
      await fleet.worker(settings, "supervise").ready();
      await fleet.letter(await fleet.push("leaks", { way: "throw" }, { maxAttempts: 1 }));
      const [line] = await written(1);
      assert.match(line?.error?.message ?? "", /^no \[redacted\] and /);
      assert.doesNotMatch(readFileSync(path, "utf8"), /canary/);
    });

    for (const [what, at] of [
      ["is full", () => "/dev/full"],
      ["cannot be made", () => join(folder, "file", "history.jsonl")],
    ] as const) {
      for (const role of ["worker", "supervise"] as const) {
        it(`whose place ${what} stops no task; its lines are counted and logged (${role})`, async () => {
          mkdirSync(folder, { recursive: true });
          writeFileSync(join(folder, "file"), "");
          chmodSync(join(folder, "file"), 0o600);
          const running = await fleet.worker({ TASKFLEET_HISTORY: at() }, role).ready();
          const ids = await Promise.all(
            Array.from({ length: 5 }, () => fleet.push("execute", { command: ["true"] })),
          );
          for (const id of ids) assert.equal((await fleet.result(id)).status, "success");
          await waitFor("5 lost lines", async () => {
            const [{ address } = { address: "" }] = await fleet.queue.workers.list();
            const text = await (await fetch(`${address}/metrics`)).text();
            return /^execution_history_lost_total 5$/m.test(text);
          });
          const lost = await running.logged("execution_history_lost");
          assert.match(String(lost.why), /ENOSPC|ENOTDIR|EEXIST/);
        });
      }
    }
  });
});

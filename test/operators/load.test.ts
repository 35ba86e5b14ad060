import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judgeLoad, type LoadReport, type Sample, type TaskEnd } from "../../worker/src/loadtest/report.ts";
import { newestReport, reportName, writeReport } from "../../worker/src/loadtest/reports.ts";
import { type Clock, runLoad, type Target } from "../../worker/src/loadtest/run.ts";
import { evenSchedule } from "../../worker/src/loadtest/schedule.ts";

const sample = (dueMs: number, endedMs: number, end: TaskEnd = "success"): Sample => ({
  ...{ dueMs, endedMs, end },
  sentMs: dueMs + 1,
});
const ANY = { maxP99Ms: null, maxErrors: 0 };

/** A clock that moves only when somebody sleeps. */
function fakeClock(): Clock & { at: number } {
  return {
    at: 0,
    now() {
      return this.at;
    },
    async sleep(ms) {
      this.at += ms;
    },
  };
}

describe("load test", () => {
  it("is due evenly, whatever becomes of the tasks before", () => {
    const schedule = evenSchedule(50, 2_000);
    assert.deepEqual([schedule.total, schedule.dueMs(0), schedule.dueMs(99)], [100, 0, 1980]);
    assert.deepEqual([0, 19.9, 20, 1980, 9_999].map(schedule.dueBy), [1, 1, 2, 100, 100]);
    assert.equal(evenSchedule(0.5, 1_000).total, 1);
  });

  it("counts a generator that stood still, and a slow fleet, from when tasks were due", async () => {
    const clock = fakeClock();
    const sent: number[] = [];
    let done: (id: string, end: TaskEnd) => void = () => {};
    const target: Target = {
      watch: async (_, ended) => {
        done = ended;
      },
      // The first push takes the whole machine for a second.
      push: async (tasks) => {
        if (sent.length === 0) clock.at += 1_000;
        sent.push(tasks.length);
        for (const { id } of tasks) done(String(id), "success");
      },
    };
    const samples = await runLoad({
      ...{ target, clock, schedule: evenSchedule(10, 1_000), patienceMs: 0, onProgress: () => {} },
      task: (index) => ({ id: `t-${index}`, kind: "k", payload: {} }),
      signal: new AbortController().signal,
    });
    assert.deepEqual(sent, [1, 9]);
    assert.deepEqual(
      samples.map(({ dueMs, endedMs }) => endedMs - dueMs),
      [1_000, 902, 802, 702, 602, 502, 402, 302, 202, 102],
    );
  });

  it("counts refused pushes and tasks without an end, the latter as slow as the test was long", async () => {
    const clock = fakeClock();
    const target: Target = {
      watch: (_, __, signal) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
      push: async (tasks) => {
        if (tasks[0]?.id === "t-0") throw new Error("full");
      },
    };
    const samples = await runLoad({
      ...{ target, clock, schedule: evenSchedule(1, 2_000), patienceMs: 5_000, onProgress: () => {} },
      task: (index) => ({ id: `t-${index}`, kind: "k", payload: {} }),
      signal: new AbortController().signal,
    });
    assert.deepEqual(
      samples.map(({ end, endedMs }) => [end, endedMs]),
      [
        ["refused", 2],
        ["unfinished", 6_000],
      ],
    );
  });

  it("takes the nearest rank, and holds p99 and errors against their limits", () => {
    const samples = Array.from({ length: 200 }, (_, i) => sample(i * 10, i * 10 + i + 1));
    const report = judgeLoad(samples, { maxP99Ms: 198, maxErrors: 0 });
    assert.deepEqual(report.latency_ms, { p50: 100, p90: 180, p99: 198, max: 200 });
    assert.deepEqual(report.late_ms, { p50: 1, p90: 1, p99: 1, max: 1 });
    assert.deepEqual([report.passed, report.faults], [true, []]);
    const failing = judgeLoad([...samples, sample(0, 1, "dead"), sample(0, 1, "unfinished")], {
      maxP99Ms: 197,
      maxErrors: 1,
    });
    assert.equal(failing.passed, false);
    assert.deepEqual(failing.faults, [
      "p99 is 198 ms, 197 are allowed",
      "2 of 202 tasks did not succeed, 1 are allowed",
    ]);
    assert.deepEqual(failing.ends, {
      success: 200,
      error: 0,
      dead: 1,
      cancelled: 0,
      refused: 0,
      limited: 0,
      unfinished: 1,
    });
    const limited = judgeLoad([...samples, sample(0, 1, "limited")], { maxP99Ms: null, maxErrors: 1 });
    assert.equal(limited.passed, false);
    assert.match(
      limited.faults.join(),
      /^1 of 201 tasks were over the API's limit of calls \(429\): use a key/,
    );
  });
});

describe("reports of load tests", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-reports-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const report = (at: string, stream: string, errors: number): LoadReport => ({
    ...{ v: 1, at, stream, via: "redis", target: "127.0.0.1:6379", kind: "k", rate: 1, duration_ms: 1_000 },
    ...judgeLoad([sample(0, 1, errors > 0 ? "error" : "success")], ANY),
  });

  it("are dated, and the newest of a stream counts", () => {
    const inner = join(folder, "a", "reports");
    assert.equal(newestReport(inner, "s"), null);
    const file = writeReport(inner, report("2026-11-24T19:30:05.123Z", "s", 1));
    assert.equal(file, join(inner, "loadtest-20261124T193005Z.json"));
    writeReport(inner, report("2026-11-23T19:30:05.123Z", "s", 0));
    writeReport(inner, report("2026-11-25T19:30:05.123Z", "other", 0));
    writeFileSync(join(inner, "loadtest-20261126T000000Z.json"), "cut sho");
    assert.deepEqual(newestReport(inner, "s"), {
      at: Date.UTC(2026, 10, 24, 19, 30, 5, 123),
      file,
      passed: false,
    });
    assert.equal(readdirSync(inner).length, 4);
  });

  it("have names that sort by time", () => {
    assert.ok(reportName("2026-11-24T19:30:05.123Z") < reportName("2026-11-24T19:30:06.000Z"));
  });
});

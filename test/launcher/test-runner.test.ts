import assert from "node:assert/strict";
import { hashInputs, type InputFile } from "../../components/cli/test-cache.ts";
import { failedNames, failureText, judge, totalLine } from "../../components/cli/test-counts.ts";
import { runSuite } from "../../components/cli/test-run.ts";
import { SUITES, type Suite } from "../suites.ts";

describe("the hash of a suite's inputs", () => {
  const files: readonly InputFile[] = [
    { path: "a.ts", content: "one" },
    { path: "b.ts", content: "two" },
  ];
  const base = hashInputs("v24.0.0", ["mocha", "x"], files);

  it("does not depend on the files' order", () => {
    assert.equal(hashInputs("v24.0.0", ["mocha", "x"], [...files].reverse()), base);
    assert.match(base, /^[0-9a-f]{64}$/);
  });

  it("changes with Node's version, the command, a file's content and its name", () => {
    const [a, b] = files as [InputFile, InputFile];
    const others = [
      hashInputs("v24.0.1", ["mocha", "x"], files),
      hashInputs("v24.0.0", ["mocha", "y"], files),
      hashInputs("v24.0.0", ["mochax"], files),
      hashInputs("v24.0.0", ["mocha", "x"], [a, { ...b, content: "tw0" }]),
      hashInputs("v24.0.0", ["mocha", "x"], [a, { ...b, path: "c.ts" }]),
      hashInputs("v24.0.0", ["mocha", "x"], [a]),
      // Moving a byte from one file to the next is a change too.
      hashInputs(
        "v24.0.0",
        ["mocha", "x"],
        [
          { ...a, content: "on" },
          { ...b, content: "etwo" },
        ],
      ),
    ];
    assert.equal(new Set([base, ...others]).size, others.length + 1);
  });
});

describe("a suite's outcome", () => {
  const good = { counts: { passed: 3, failed: 0, skipped: 1 }, code: 0, signal: null, timedOut: false };

  it("is its counts when it ended as they say", () => {
    assert.deepEqual(judge(good), { passed: 3, failed: 0, skipped: 1, failures: [], note: "" });
    const failed = judge({ ...good, counts: { passed: 1, failed: 2, skipped: 0 }, code: 2 });
    assert.deepEqual(failed, { passed: 1, failed: 2, skipped: 0, failures: [], note: "" });
  });

  it("has one failure more when the suite died, hung, found nothing or ended badly", () => {
    const died = judge({ counts: undefined, code: null, signal: "SIGKILL", timedOut: false });
    assert.deepEqual([died.failed, died.note], [1, "died (signal SIGKILL) before it reported"]);
    const hung = judge({ counts: undefined, code: null, signal: "SIGKILL", timedOut: true });
    assert.deepEqual([hung.failed, hung.note], [1, "timed out"]);
    const empty = judge({ ...good, counts: { passed: 0, failed: 0, skipped: 0 } });
    assert.deepEqual([empty.failed, empty.note], [1, "found no test"]);
    const bad = judge({ ...good, code: 7 });
    assert.deepEqual(
      [bad.passed, bad.failed, bad.note],
      [3, 1, "ended with code 7 although its tests passed"],
    );
  });

  it("keeps the failures that it names, also of one that died on", () => {
    const failures = [{ title: "queue › takes", message: "1 !== 2\n  at x" }];
    const counts = { passed: 1, failed: 1, skipped: 0, failures };
    assert.deepEqual(judge({ ...good, counts, code: 1 }).failures, failures);
    assert.deepEqual(judge({ ...good, counts, timedOut: true }).failures, failures);
    assert.equal(failureText("queue", failures), "\nqueue: queue › takes\n    1 !== 2\n      at x\n");
    assert.equal(failureText("queue", []), "");
    assert.equal(failedNames("queue", failures), "failed: queue: queue › takes\n");
  });

  it("adds up to the last line", () => {
    const skipped = { passed: 0, failed: 0, skipped: 12, failures: [], note: "" };
    const outcomes = [
      judge(good),
      skipped,
      judge({ ...good, counts: { passed: 1, failed: 2, skipped: 0 }, code: 2 }),
    ];
    assert.equal(totalLine(outcomes), "4 passed, 2 failed, 13 skipped");
    assert.equal(totalLine([]), "0 passed, 0 failed, 0 skipped");
  });
});

describe("running a suite", () => {
  const suite = (script: string, timeoutMinutes = 1): Suite => ({
    name: "sample",
    what: "a sample",
    inputs: [],
    command: ["-e", script],
    heavy: false,
    timeoutMinutes,
  });
  const report = (counts: string) =>
    `require("node:fs").writeFileSync(process.env.TASKFLEET_TEST_COUNTS, ${JSON.stringify(counts)});`;

  it("gives the counts that it wrote and its exit code", async () => {
    const end = await runSuite(suite(`${report('{"passed":2,"failed":1}')} process.exit(1)`));
    assert.deepEqual(end, { counts: { passed: 2, failed: 1 }, code: 1, signal: null, timedOut: false });
  });

  it("tells that it died before it wrote any", async () => {
    const end = await runSuite(suite('process.kill(process.pid, "SIGKILL")'));
    assert.deepEqual(end, { counts: undefined, code: null, signal: "SIGKILL", timedOut: false });
  });

  it("ends one that hangs, with all that it started", async () => {
    const hangs = 'require("node:child_process").spawnSync("sleep", ["600"], { stdio: "inherit" })';
    const end = await runSuite(suite(hangs, 0.005));
    assert.deepEqual([end.timedOut, end.counts], [true, undefined]);
  });

  it("keeps a stack's variables from it, and gives it Node 24 and the project's tools", async () => {
    process.env.REDIS_URL = "redis://a-stack:1";
    try {
      const script = `const { REDIS_URL, PATH, TASKFLEET_ROOT } = process.env;
        const clean = REDIS_URL === undefined && PATH.split(":")[0].endsWith("node_modules/.bin") && TASKFLEET_ROOT !== undefined;
        process.exit(clean && process.version.startsWith("v24.") ? 0 : 1)`;
      assert.equal((await runSuite(suite(script))).code, 0);
    } finally {
      delete process.env.REDIS_URL;
    }
  });
});

describe("the table of suites", () => {
  it("names each suite once, with inputs and a time limit", () => {
    assert.equal(new Set(SUITES.map(({ name }) => name)).size, SUITES.length);
    for (const { inputs, timeoutMinutes } of SUITES) assert.ok(inputs.length > 0 && timeoutMinutes > 0);
  });
});

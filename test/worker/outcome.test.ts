import assert from "node:assert/strict";
import { PermanentError, RetryLaterError } from "../../worker/src/handler.ts";
import {
  type AttemptRecord,
  type OutcomePolicy,
  outcomeOf,
  outcomeWithoutRun,
} from "../../worker/src/runtime/outcome.ts";
import { deliveredTask } from "./support/tasks.ts";

const policy: OutcomePolicy = {
  workerId: "w-1",
  imageTag: "bundle:sha256:abc",
  spacing: { baseMs: 2_000, maxMs: 300_000, jitter: 0.2 },
  random: () => 0.5,
  redact: (text) => text.replaceAll("hush", "[redacted]"),
};

const attempt = (differences: Partial<AttemptRecord>): AttemptRecord => ({
  task: deliveredTask({ attempts: 1 }),
  handlerVersion: "2.1.0",
  maxAttempts: 3,
  timeoutMs: 100,
  startedAt: 5_000,
  finishedAt: 5_250,
  ending: { how: "returned", output: { n: 1 } },
  aborted: null,
  ...differences,
});

const judge = (differences: Partial<AttemptRecord>) => outcomeOf(attempt(differences), policy);
const threw = (thrown: unknown) => ({ ending: { how: "threw" as const, thrown } });

describe("outcomeOf", () => {
  it("settles what returned, with who ran it", () => {
    assert.deepEqual(judge({}), {
      type: "settle",
      task: deliveredTask({ attempts: 1 }),
      runtimeMs: 250,
      result: {
        v: 1,
        id: "t-1",
        kind: "k",
        status: "success",
        output: { n: 1 },
        attempts: 2,
        enqueued_at: 1_000,
        started_at: 5_000,
        finished_at: 5_250,
        handler_version: "2.1.0",
        image_tag: "bundle:sha256:abc",
        worker_id: "w-1",
      },
    });
    const nothing = judge({ ending: { how: "returned", output: undefined } });
    assert.ok(nothing?.type === "settle" && !("output" in nothing.result));
  });

  it("retries what threw, with the error and twice the first delay after the second run", () => {
    assert.deepEqual(judge(threw(new RangeError("hush"))), {
      type: "retry",
      task: deliveredTask({ attempts: 1 }),
      runtimeMs: 250,
      delayMs: 4_000,
      error: {
        attempt: 2,
        at: 5_250,
        message: "RangeError: [redacted]",
        reason: "handler",
        worker_id: "w-1",
      },
    });
  });

  it("cuts a long message without leaving half a character, which scripts would refuse", () => {
    const endOf = (whole: number) => {
      const outcome = judge(
        threw(new RetryLaterError(`${"x".repeat(whole)}😀 and more`, { retryAfterMs: 1 })),
      );
      return outcome?.type === "retry" ? outcome.error.message.slice(3_998) : "";
    };
    assert.deepEqual([endOf(3_998), endOf(3_999)], ["😀", "x\ufffd"]);
  });

  it("retries what asks for it no sooner than it asks, with its reason; also of another copy of the class", () => {
    const foreign = { name: "RetryLaterError", reason: "circuit", retryAfterMs: 60_000 };
    for (const thrown of [
      new RetryLaterError("open", { reason: "circuit", retryAfterMs: 60_000 }),
      Object.assign(new Error("open"), foreign),
    ]) {
      const outcome = judge(threw(thrown));
      assert.ok(outcome.type === "retry");
      assert.deepEqual(
        [outcome.delayMs, outcome.error.reason, outcome.error.message],
        [66_000, "circuit", "open"],
      );
    }
    const last = judge({
      task: deliveredTask({ attempts: 2 }),
      ...threw(new RetryLaterError("busy", { retryAfterMs: 1 })),
    });
    assert.ok(last.type === "bury" && last.error.reason === "handler");
  });

  it("buries what threw in its last run", () => {
    const task = deliveredTask({ attempts: 2 });
    const outcome = judge({ task, ...threw("plain text") });
    assert.ok(outcome.type === "bury");
    assert.deepEqual([outcome.error.attempt, outcome.error.message], [3, "plain text"]);
  });

  it("ends a permanent error at once, and keeps its output; also one of another copy of the class", () => {
    const foreign = Object.assign(new Error("exit 3"), {
      name: "PermanentError",
      reason: "exit",
      output: "half",
    });
    const outcome = judge(threw(foreign));
    assert.ok(outcome.type === "settle");
    assert.deepEqual(outcome.result.error, { message: "exit 3", reason: "exit" });
    assert.deepEqual([outcome.result.status, outcome.result.output], ["error", "half"]);
    const odd = judge(threw(Object.assign(new PermanentError("x"), { reason: "a:b" })));
    assert.ok(odd?.type === "settle" && odd.result.error?.reason === "handler");
  });

  it("ends a result that JSON cannot hold as an error", () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    for (const output of [circle, 1n]) {
      const outcome = judge({ ending: { how: "returned", output } });
      assert.ok(outcome.type === "settle");
      assert.deepEqual([outcome.result.status, "output" in outcome.result], ["error", false]);
    }
  });

  it("counts a time-out as such, however the handler took it", () => {
    for (const ending of [
      { how: "forced" },
      { how: "returned", output: 1 },
      { how: "threw", thrown: new Error("aborted") },
    ] as const) {
      const outcome = judge({ ending, aborted: "timeout" });
      assert.ok(outcome.type === "retry");
      assert.equal(outcome.error.reason, "timeout");
      assert.equal(outcome.error.message, "took longer than its limit of 100 ms");
    }
    const permanent = judge({
      ...threw(new PermanentError("no", { reason: "timeout" })),
      aborted: "timeout",
    });
    assert.ok(permanent.type === "settle" && permanent.result.error?.reason === "timeout");
  });

  it("ends a cancelled run as cancelled, with what it returned by then", () => {
    const outcome = judge({ ending: { how: "returned", output: "half" }, aborted: "cancelled" });
    assert.ok(outcome.type === "settle");
    assert.deepEqual([outcome.result.status, outcome.result.output], ["cancelled", "half"]);
    const forced = judge({ ending: { how: "forced" }, aborted: "cancelled" });
    assert.ok(forced.type === "settle" && forced.result.error?.reason === "cancelled");
  });

  it("hands back what was stopped", () => {
    const task = deliveredTask({ attempts: 1 });
    assert.deepEqual(judge({ aborted: "stopping" }), { type: "release", task });
  });

  it("offers the end of a lost task all the same, for the fence to refuse and count", () => {
    const task = deliveredTask({ attempts: 1 });
    const threw = { how: "threw", thrown: new Error("aborted") } as const;
    assert.deepEqual(judge({ aborted: "lost", ending: threw }), { type: "release", task });
    const returned = judge({ aborted: "lost", ending: { how: "returned", output: 7 } });
    assert.ok(returned.type === "settle" && returned.result.status === "success");
  });
});

describe("outcomeWithoutRun", () => {
  const plain = { task: deliveredTask({ attempts: 1 }), handlerVersion: "2.1.0", finishedAt: 6_000 };

  it("ends a refused payload for good, as no run", () => {
    const outcome = outcomeWithoutRun(plain, policy, {
      type: "refused",
      reason: "secret",
      message: "payload.a",
    });
    assert.ok(outcome.type === "settle");
    assert.deepEqual(outcome.result.error, { message: "payload.a", reason: "secret" });
    assert.deepEqual([outcome.result.attempts, "started_at" in outcome.result], [1, false]);
  });

  it("retries a kind that this worker does not know: another version may", () => {
    const why = { type: "unknown-kind", kinds: ["execute", "greet"], maxAttempts: 3 } as const;
    const outcome = outcomeWithoutRun(plain, policy, why);
    assert.ok(outcome.type === "retry");
    assert.equal(outcome.error.reason, "kind");
    assert.match(
      outcome.error.message,
      /kind "k" has no handler on this worker, whose kinds are execute, greet/,
    );
    assert.equal(outcomeWithoutRun(plain, policy, { ...why, maxAttempts: 2 }).type, "bury");
  });
});

import assert from "node:assert/strict";
import type { Member } from "../../worker/src/spawner/fleet.ts";
import { StartBackoff } from "../../worker/src/spawner/start-backoff.ts";

const worker = (workerId: string, ready: boolean): Member => ({
  workerId,
  ready,
  managed: true,
  startedAt: 0,
  draining: false,
  busy: false,
  silent: false,
  stale: false,
});

/** A round of two workers that die before they report, seen at `nowMs`. */
function failedRound(backoff: StartBackoff, nowMs: number): number {
  backoff.started([`a${nowMs}`, `b${nowMs}`]);
  return backoff.observe([], nowMs);
}

describe("spawner: workers that die at their start", () => {
  it("pauses twice as long after every failed round, however many workers it had", () => {
    const backoff = new StartBackoff();
    assert.equal(backoff.pausedUntilMs, -Infinity);
    assert.equal(failedRound(backoff, 10_000), 2);
    assert.equal(backoff.pausedUntilMs, 11_000);
    failedRound(backoff, 11_000);
    assert.equal(backoff.pausedUntilMs, 13_000);
  });

  it("pauses for a minute at most", () => {
    const backoff = new StartBackoff();
    for (let round = 0; round < 20; round += 1) failedRound(backoff, 0);
    assert.equal(backoff.pausedUntilMs, 60_000);
  });

  it("begins anew once a started worker reports", () => {
    const backoff = new StartBackoff();
    for (let round = 0; round < 5; round += 1) failedRound(backoff, 0);
    backoff.started(["good"]);
    assert.equal(backoff.observe([worker("good", false)], 100_000), 0);
    backoff.observe([worker("good", true)], 100_000);
    failedRound(backoff, 200_000);
    assert.equal(backoff.pausedUntilMs, 201_000);
  });

  it("counts a worker that hangs while it starts, once", () => {
    const backoff = new StartBackoff();
    const hung = { ...worker("hung", false), silent: true };
    backoff.started(["hung"]);
    assert.equal(backoff.observe([worker("hung", false)], 1_000), 0);
    assert.equal(backoff.observe([hung], 60_000), 1);
    assert.equal(backoff.pausedUntilMs, 61_000);
    assert.equal(backoff.observe([hung], 61_000), 0);
  });

  it("does not count a worker that reported and ended later", () => {
    const backoff = new StartBackoff();
    backoff.started(["w"]);
    backoff.observe([worker("w", true)], 1);
    assert.equal(backoff.observe([], 2), 0);
    assert.equal(backoff.pausedUntilMs, -Infinity);
  });
});

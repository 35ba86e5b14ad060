import assert from "node:assert/strict";
import { LeaderLease } from "../../worker/src/adapters/redis/lease.ts";
import { createLogger } from "../../worker/src/logging/logger.ts";
import { FailureLog } from "../../worker/src/spawner/failure-log.ts";
import { Leadership, type Lease } from "../../worker/src/spawner/leadership.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

/** A contender that notes what happens to it. */
async function contender(lease: Lease, ttlMs: number, now = () => performance.now()) {
  const logger = await createLogger({
    name: "t",
    json: true,
    level: "error",
    destination: { write: () => {} },
  });
  const events: string[] = [];
  const stop = new AbortController();
  const leadership = new Leadership({
    lease,
    ttlMs,
    failures: new FailureLog(logger, () => 0),
    now,
    changed: (leads) => void events.push(leads ? "leads" : "stands by"),
    lead: async (term) => {
      events.push("begins");
      if (!term.aborted) await new Promise((resolve) => term.addEventListener("abort", resolve));
      events.push("ends");
    },
  });
  const done = leadership.run(stop.signal);
  const end = async () => {
    stop.abort();
    await done;
  };
  return { leadership, events, end };
}

describe("spawner: leadership", () => {
  let redis: TestRedis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  it("goes to one of two, and to the other as soon as the first gives it up", async () => {
    // Long enough for a busy machine: the first may not lose it by itself.
    const ttlMs = 6_000;
    const lease = (holder: string) => new LeaderLease(redis.client, "{s}:leader", holder, ttlMs);
    const first = await contender(lease("first"), ttlMs);
    await waitFor("the first to lead", () => first.leadership.leads);
    const second = await contender(lease("second"), ttlMs);
    await waitFor("the second to know that it does not", () => second.events.includes("stands by"));
    assert.equal(await redis.client.get("{s}:leader"), "first");
    await first.end();
    await waitFor("the second to lead", () => second.leadership.leads);
    assert.deepEqual(first.events, ["leads", "begins", "ends"]);
    assert.deepEqual(second.events, ["stands by", "leads", "begins"]);
    await second.end();
    assert.equal(await redis.client.get("{s}:leader"), null);
  });

  it("ends by its own clock when the lease cannot be renewed", async () => {
    const answers = [Promise.resolve(true), new Promise<boolean>(() => {})];
    const lease = { acquireOrRenew: async () => answers.shift() ?? false, release: async () => {} };
    // The first answer comes in no time, however slow the machine is.
    const { events } = await contender(lease, 60, () => 0);
    await waitFor("the end of the term", () => events.includes("ends"));
    assert.deepEqual(events.slice(0, 2).sort(), ["begins", "leads"]);
    assert.deepEqual(events.slice(2).sort(), ["ends", "stands by"]);
  });

  it("ends at once when another has the lease", async () => {
    const answers = [true, true, false];
    // Each answer puts the clock back, so that the lease's end by that clock is an hour away.
    let nowMs = 0;
    const lease = {
      acquireOrRenew: async () => {
        nowMs -= 3_600_000;
        return answers.shift() ?? false;
      },
      release: async () => {},
    };
    const { events, end } = await contender(lease, 30, () => nowMs);
    await waitFor("the end of the term", () => events.includes("ends"));
    await end();
  });

  it("takes an answer that came after the lease's end for none", async () => {
    let nowMs = 0;
    const lease = {
      acquireOrRenew: async () => {
        nowMs += 100;
        return true;
      },
      release: async () => {},
    };
    const logger = await createLogger({
      name: "t",
      json: true,
      level: "error",
      destination: { write: () => {} },
    });
    const stop = new AbortController();
    const told: boolean[] = [];
    const leadership = new Leadership({
      ...{ lease, ttlMs: 100, failures: new FailureLog(logger, () => 0), now: () => nowMs },
      lead: async () => assert.fail("it must not lead"),
      changed: (leads) => {
        told.push(leads);
        stop.abort();
      },
    });
    await leadership.run(stop.signal);
    assert.deepEqual(told, [false]);
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { openCircuits } from "../../worker/src/adapters/redis/circuits.ts";
import type { Permit } from "../../worker/src/ports/circuits.ts";
import { readSnapshot } from "../../worker/src/spawner/redis-queue.ts";
import { openQueue, type TestQueue, withQueue } from "../support/queue.ts";
import { startRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { CircuitModel } from "./model.ts";
import { age, FAILURES, OPEN_MS, workersCircuits } from "./support.ts";

const S = "https://service.example";
/** Real time goes on by some ms while a test sets its own. */
const nearly = (value: number, expected: number) =>
  value >= 0 && value <= expected && value > expected - 5_000;

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("enter" as const), worker: fc.nat(1) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("report" as const),
      worker: fc.nat(1),
      nth: fc.constantFrom(0, 0, 0, 1, 2, 4),
      verdict: fc.constantFrom("failure", "failure", "failure", "success", "none"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(20_000, 61_000, 601_000) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Does the same to the real circuit, by two workers, and to the model. */
async function compare(queue: TestQueue, steps: readonly Step[]): Promise<void> {
  const workers = [workersCircuits(queue, 2), workersCircuits(queue, 2)];
  const model = new CircuitModel(2, OPEN_MS, 10 * OPEN_MS);
  const calls: { real: Permit; model: Permit }[] = [];
  for (const one of steps) {
    if (one.do === "pass") {
      await age(queue, S, one.ms);
      model.pass(one.ms);
      continue;
    }
    const circuits = workers[one.worker]?.circuits;
    assert.ok(circuits !== undefined);
    if (one.do === "enter") {
      const call = { real: await circuits.enter(S), model: model.enter() };
      assert.equal(call.real.probe === "", call.model.probe === "");
      assert.ok(nearly(call.real.waitMs, call.model.waitMs), `${call.real.waitMs} ${call.model.waitMs}`);
      if (call.model.waitMs === 0) calls.push(call);
    } else {
      const call = calls.at(-1 - one.nth);
      if (call === undefined) continue;
      await circuits.report(S, call.real, one.verdict);
      model.report(call.model, one.verdict);
    }
    assert.equal((await openCircuits(queue.redis, queue.stream)).length, model.closed ? 0 : 1);
  }
  assert.equal(Number((await queue.stats())["circuit-opened"] ?? 0), model.opened);
}

describe("circuits in Redis", () => {
  let queue: TestQueue;
  withQueue((given) => {
    queue = given;
  });

  type Worker = Pick<ReturnType<typeof workersCircuits>, "circuits" | "changes">;
  const fail = async (worker: Worker, times: number, name = S) => {
    for (let i = 0; i < times; i++)
      await worker.circuits.report(name, await worker.circuits.enter(name), "failure");
  };

  it("open for all workers at the fifth failure in a row, whoever saw them", async () => {
    const [a, b] = [workersCircuits(queue), workersCircuits(queue)];
    await fail(a, 3);
    await fail(b, 1);
    assert.deepEqual(await b.circuits.enter(S), { waitMs: 0, probe: "" });
    await fail(b, 1);
    assert.deepEqual([a.changes, b.changes], [[], [`${S} opened`]]);
    const { waitMs, probe } = await a.circuits.enter(S);
    assert.ok(nearly(waitMs, OPEN_MS) && probe === "", `${waitMs} ${probe}`);
    assert.deepEqual(await a.circuits.enter("https://other.example"), { waitMs: 0, probe: "" });
    assert.equal((await queue.stats())["circuit-opened"], "1");
  });

  it("count failures in a row only", async () => {
    const { circuits, changes } = workersCircuits(queue);
    await fail({ circuits, changes }, 4);
    await circuits.report(S, await circuits.enter(S), "success");
    assert.equal(await queue.redis.exists(queue.keys.circuits + S), 0);
    await fail({ circuits, changes }, 4);
    assert.deepEqual(changes, []);
  });

  it("let one call of the fleet through when the open time is over; its success closes them", async () => {
    const [a, b] = [workersCircuits(queue), workersCircuits(queue)];
    await fail(a, FAILURES);
    await age(queue, S, OPEN_MS);
    const probe = await b.circuits.enter(S);
    assert.ok(probe.waitMs === 0 && probe.probe !== "");
    const { waitMs } = await a.circuits.enter(S);
    assert.ok(nearly(waitMs, OPEN_MS), String(waitMs));
    await b.circuits.report(S, probe, "success");
    assert.deepEqual(await a.circuits.enter(S), { waitMs: 0, probe: "" });
    assert.deepEqual(b.changes, [`${S} closed`]);
    assert.deepEqual(await openCircuits(queue.redis, queue.stream), []);
  });

  it("are open again when the probe fails, and free again when it says nothing", async () => {
    const worker = workersCircuits(queue);
    const { circuits, changes } = worker;
    await fail(worker, FAILURES);
    await age(queue, S, OPEN_MS);
    await circuits.report(S, await circuits.enter(S), "none");
    const second = await circuits.enter(S);
    assert.notEqual(second.probe, "");
    await circuits.report(S, second, "failure");
    assert.deepEqual(changes, [`${S} opened`, `${S} opened`]);
    assert.ok(nearly((await circuits.enter(S)).waitMs, OPEN_MS));
  });

  it("replace a probe whose worker died, and do not listen to it later", async () => {
    const [a, b] = [workersCircuits(queue), workersCircuits(queue)];
    await fail(a, FAILURES);
    await age(queue, S, OPEN_MS);
    const dead = await a.circuits.enter(S);
    await age(queue, S, OPEN_MS);
    const next = await b.circuits.enter(S);
    assert.ok(next.waitMs === 0 && next.probe !== dead.probe);
    await a.circuits.report(S, dead, "success");
    assert.ok((await a.circuits.enter(S)).waitMs > 0);
    // Nor when it opens for another time.
    await b.circuits.report(S, next, "success");
    await fail(b, FAILURES);
    await age(queue, S, OPEN_MS);
    await b.circuits.enter(S);
    await a.circuits.report(S, dead, "success");
    assert.ok((await a.circuits.enter(S)).waitMs > 0);
  });

  it("are listed while they are not closed, the last opened first, and forgotten in the end", async () => {
    const worker = workersCircuits(queue);
    await fail(worker, FAILURES, "one");
    await fail(worker, FAILURES, "two");
    await age(queue, "one", 1_000);
    const snapshot = await readSnapshot(queue.redis, queue.stream, { leaseMs: 1, decision: null });
    assert.deepEqual(snapshot.circuits, ["two", "one"]);
    assert.equal(snapshot.keyMemory.has(queue.keys.circuits), false);
    await age(queue, "one", 10 * OPEN_MS);
    assert.deepEqual(await openCircuits(queue.redis, queue.stream), ["two"]);
    assert.equal(await queue.redis.exists(`${queue.keys.circuits}one`), 0);
    for (const key of [`${queue.keys.circuits}two`, queue.keys.circuitsOpen])
      assert.ok(nearly(await queue.redis.pttl(key), 10 * OPEN_MS), key);
  });

  it("agree with the model, for two workers and any order of calls and ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const own = openQueue(queue.server);
        await compare(own, steps).finally(() => own.close());
      }),
      { numRuns: 60 },
    );
  });

  it("let calls go ahead when Redis does not answer, and say so", async () => {
    const server = await startRedis();
    const own = openQueue(server);
    const { circuits, failures, redis } = workersCircuits(own);
    try {
      await circuits.enter(S);
      server.process.kill("SIGSTOP");
      assert.deepEqual(await circuits.enter(S), { waitMs: 0, probe: "" });
      await circuits.report(S, { waitMs: 0, probe: "" }, "failure");
      const late = "Error: Redis did not answer within 1000 ms";
      assert.deepEqual(failures.map(String), [late, late]);
      await server.stop();
      await waitFor("the lost connection", () => redis.status === "reconnecting");
      assert.deepEqual(await circuits.enter(S), { waitMs: 0, probe: "" });
      assert.equal(String(failures[2]), "Error: Redis is not connected (reconnecting)");
    } finally {
      own.close();
      server.process.kill("SIGCONT");
      await server.stop();
    }
  });
});

import assert from "node:assert/strict";
import type { RunChange } from "../../worker/contract/run-events.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import { errorOf, LEASE_OVER, resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import { Recorded } from "../support/recorded.ts";
import { waitFor } from "../support/wait.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACED = { traceparent: `00-${TRACE}-b7ad6b7169203331-01`, tracestate: "vendor=1" };

describe("a task's trace", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  const take = async (): Promise<DeliveredTask> => {
    const consumer = queue.consumer("w");
    return waitFor("a task", async () => {
      await queue.keeper.promote(10);
      return (await consumer.read(1, 20))[0];
    });
  };
  const changes = async (recorded: Recorded) =>
    (await recorded.told()).flatMap((event) => event.changes as RunChange[]);

  it("stands among its options, and nowhere when it has none", async () => {
    await queue.push({ id: "traced", ...TRACED });
    await queue.push({ id: "plain" });
    const entries = await queue.redis.xrange(queue.stream, "-", "+");
    assert.deepEqual(
      entries.map(([, fields]) => fields),
      [
        ["taskfleet", 'traced k {"n":1}', "options", JSON.stringify(TRACED)],
        ["taskfleet", 'plain k {"n":1}'],
      ],
    );
  });

  it("goes along when it is delayed, retried, handed back and taken back, with the attempt before", async () => {
    await queue.push({ id: "t", delayMs: 1, ...TRACED });
    const first = await take();
    assert.deepEqual([first.options, first.prior], [TRACED, undefined]);
    const consumer = queue.consumer("w");
    await consumer.retry([{ task: first, error: errorOf(first), runtimeMs: 1, delayMs: 1 }]);
    const second = await take();
    assert.deepEqual([second.options, second.prior], [TRACED, { entryId: first.entryId, why: "retry" }]);
    await consumer.release([second]);
    const third = await take();
    // What was handed back unrun is no attempt.
    assert.deepEqual([third.options, third.prior], [TRACED, { entryId: first.entryId, why: "retry" }]);
    await queue.keeper.reclaim(LEASE_OVER);
    const fourth = await take();
    assert.deepEqual([fourth.options, fourth.prior], [TRACED, { entryId: third.entryId, why: "redelivery" }]);
  });

  it("goes along through the dead-letter queue", async () => {
    await queue.push({ id: "t", ...TRACED });
    const task = await take();
    await queue.consumer("w").bury([{ task, error: errorOf(task), runtimeMs: 1 }]);
    await queue.letters.requeueIds(["t"]);
    assert.deepEqual((await take()).options, TRACED);
  });

  it("leaves the entry of an untraced task as it was, however often it comes back", async () => {
    await queue.push({ id: "t" });
    const first = await take();
    await queue.consumer("w").retry([{ task: first, error: errorOf(first), runtimeMs: 1, delayMs: 0 }]);
    await take();
    await queue.keeper.reclaim(LEASE_OVER);
    const [entry] = await queue.redis.xrange(queue.stream, "-", "+");
    const names = entry?.[1].filter((_, at) => at % 2 === 0);
    assert.deepEqual(names, ["taskfleet", "at", "attempts", "errors", "deliveries"]);
  });

  it("is told with every change of it, and with none of an untraced task", async () => {
    const recorded = await Recorded.on(queue);
    for (const [id, more] of [
      ["traced", TRACED],
      ["plain", {}],
    ] as const) {
      const consumer = queue.consumer("w");
      await queue.push({ id, ...more });
      // A worker knows that the record is on from its first answer.
      const one = await take();
      await consumer.read(1, 1);
      const report = { worker_id: "w" } as never;
      await consumer.heartbeat([one], report, { began: new Map([[one, 5]]), progress: new Map() });
      await consumer.retry([{ task: one, error: errorOf(one), runtimeMs: 1, delayMs: 0 }]);
      await consumer.release([await take()]);
      await take();
      await queue.keeper.reclaim(LEASE_OVER);
      const last = await take();
      await consumer.settle([{ task: last, result: resultOf(last), runtimeMs: 1 }]);
      await queue.push({ id: `${id}-cancelled`, ...more });
      await queue.producer.cancel([`${id}-cancelled`]);
      await queue.push({ id: `${id}-dead`, ...more });
      const dying = await take();
      await consumer.bury([{ task: dying, error: errorOf(dying), runtimeMs: 1 }]);
      await queue.letters.requeueIds([`${id}-dead`]);
      await take();
      await queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 0 });
      const told = await changes(recorded);
      assert.deepEqual(
        told.map(({ type }) => type),
        [
          ...["queued", "began", "retried", "back", "reclaimed", "settled"],
          ...["queued", "cancelled", "queued", "buried", "requeued", "buried"],
        ],
      );
      const traces = told.map((change) => ("traceId" in change ? change.traceId : "none"));
      assert.deepEqual([...new Set(traces)], [id === "traced" ? TRACE : "none"]);
    }
  });
});

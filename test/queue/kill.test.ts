import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { depth } from "../../worker/src/adapters/redis/queue-status.ts";
import { CLEAN, LEASE_OVER, resultOf, type TestQueue, waitingNormally, withQueue } from "../support/queue.ts";

const HOLDER = fileURLToPath(new URL("../support/task-holder.ts", import.meta.url));

describe("a worker killed with SIGKILL", () => {
  let queue: TestQueue;
  withQueue((opened) => {
    queue = opened;
  });

  it("loses nothing: its tasks finish elsewhere, one result each", async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `t${n}`);
    await queue.producer.enqueue(ids.map((id) => ({ kind: "k", payload: id, id })));
    const child = spawn(process.execPath, [HOLDER, queue.server.url, queue.stream, "victim", "20", "5"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(said.toString(), "holding\n");
    child.kill("SIGKILL");
    await once(child, "exit");
    const { oldestIdleMs: _, ...left } = await depth(queue.redis, queue.stream);
    assert.deepEqual(left, { ...CLEAN, ...waitingNormally(10), running: 15 });

    const { requeued } = await queue.keeper.reclaim(LEASE_OVER);
    assert.deepEqual(requeued.sort(), ids.slice(5, 20).sort());
    const other = queue.consumer("other");
    const tasks = await other.read(100, 20);
    assert.equal(tasks.length, 25);
    const waiting = queue.results.wait(ids);
    await other.settle(
      tasks.map((task) => ({ task, result: resultOf(task, { worker_id: "other" }), runtimeMs: 1 })),
    );
    const by = new Map<string, number>();
    for (const outcome of (await waiting).values()) {
      assert(outcome.state === "settled");
      by.set(outcome.result.worker_id, (by.get(outcome.result.worker_id) ?? 0) + 1);
    }
    assert.deepEqual(Object.fromEntries(by), { victim: 5, other: 25 });
    const stats = await queue.stats();
    assert.deepEqual(
      [stats["task:k:k:success"], stats.reclaimed, stats["live:k"], stats.late],
      ["30", "15", "0", undefined],
    );
    assert.deepEqual(await depth(queue.redis, queue.stream), { ...CLEAN, oldestIdleMs: 0 });
  });
});

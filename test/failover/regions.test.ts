import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readStats } from "../../worker/src/adapters/redis/queue-status.ts";
import { cli, jsonLine } from "../cli/support.ts";
import { openQueue, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { type ProcessFleet, startFleet } from "./support/fleet.ts";
import { replicates } from "./support/sentinels.ts";

/** Two regions: each its own servers and processes. The commands are those of docs/high-availability.md. */
describe("a switch of regions", function () {
  this.timeout(120_000);
  let a: TestRedis;
  let b: TestRedis;
  let inA: ProcessFleet;
  let inB: ProcessFleet | undefined;
  let queueA: TestQueue;
  let queueB: TestQueue;

  beforeEach(async () => {
    a = await startRedis(["--repl-diskless-sync-delay", "0"]);
    b = await startRedis(["--repl-diskless-sync-delay", "0"]);
    [queueA, queueB] = [openQueue(a, "peagen.tasks"), openQueue(b, "peagen.tasks")];
    redisCli(b, "replicaof", "127.0.0.1", String(a.port));
    await replicates(a, 1);
    inA = await startFleet({ REDIS_URL: a.url });
  });
  afterEach(async () => {
    await Promise.all([inA.stop(), inB?.stop()]);
    inB = undefined;
    for (const queue of [queueA, queueB]) queue.close();
    await Promise.all([a.stop(), b.stop()]);
  });

  const redisCli = (server: TestRedis, ...words: string[]) =>
    execFileSync("redis-cli", ["-u", server.url, ...words], { encoding: "utf8" });
  const push = async (count: number): Promise<readonly string[]> => {
    const task = { kind: "sleep", payload: { ms: 100, steps: 1 } };
    const pushed = await queueA.producer.enqueue(Array.from({ length: count }, () => task));
    return pushed.map(({ id }) => id);
  };
  const settled = async (queue: TestQueue, ids: readonly string[]): Promise<number> =>
    (await queue.results.read(ids)).filter(({ state }) => state === "settled").length;
  const run = async (server: TestRedis, ...words: string[]) => {
    const done = await cli(words, { env: { REDIS_URL: server.url } });
    assert.equal(done.code, 0, done.err);
    return done.out;
  };

  it("that is planned loses nothing and runs nothing twice", async () => {
    const early = await push(40);
    await waitFor("some results", async () => (await settled(queueA, early)) >= 10);
    await run(a, "queue", "pause");
    const ids = [...early, ...(await push(20))];
    await waitFor("nothing to run any more", async () => {
      const { queue } = jsonLine(await run(a, "status", "--json")) as { queue: { running: number } };
      return queue.running === 0;
    });
    assert((await settled(queueA, ids)) <= 40, "what came after the pause waits");
    await inA.stop();
    // Spawners and API of A are gone: nobody writes any more.
    const offset = (text: string, field: string) => new RegExp(`${field}:(\\d+)`).exec(text)?.[1];
    await waitFor("B to have all of A", () => {
      const [here, there] = [redisCli(a, "info", "replication"), redisCli(b, "info", "replication")];
      return offset(here, "master_repl_offset") === offset(there, "slave_repl_offset");
    });
    redisCli(b, "replicaof", "no", "one");
    inB = await startFleet({ REDIS_URL: b.url });
    await run(b, "queue", "resume");
    await waitFor("all results in B", async () => (await settled(queueB, ids)) === 60);
    const stats = await readStats(b.client, "peagen.tasks");
    assert.equal(stats["task:sleep:sleep:success"], 60);
    assert.equal(stats.reclaimed ?? 0, 0);
    assert.equal(stats.late ?? 0, 0);
  });

  it("after a disaster runs what was running again, and all that B has", async () => {
    const ids = await push(60);
    await waitFor("some results in B", async () => (await settled(queueB, ids)) >= 10);
    a.process.kill("SIGKILL");
    await inA.kill();
    await waitFor("B to notice", () =>
      redisCli(b, "info", "replication").includes("master_link_status:down"),
    );
    redisCli(b, "replicaof", "no", "one");
    const stats = await readStats(b.client, "peagen.tasks");
    const held = (stats["live:sleep"] ?? 0) - (await b.client.xlen("peagen.tasks"));
    assert.equal(held, 0, "what runs is in the stream");
    inB = await startFleet({ REDIS_URL: b.url });
    await waitFor("all results in B", async () => (await settled(queueB, ids)) === 60);
    const after = await readStats(b.client, "peagen.tasks");
    assert.equal(after["task:sleep:sleep:success"], 60);
    console.log(`      ${after.reclaimed ?? 0} tasks that ran in A were taken back in B`);
  });
});

import assert from "node:assert/strict";
import { createConnection } from "../../worker/src/adapters/redis/connection.ts";
import { DeadLetters } from "../../worker/src/adapters/redis/dead-letters.ts";
import { Producer } from "../../worker/src/adapters/redis/producer.ts";
import { createClient } from "../../worker/src/client.ts";
import { NoReplicaError, UnconfirmedError } from "../../worker/src/core/errors.ts";
import { checkStart } from "../../worker/src/roles/start-check.ts";
import { cli, jsonLines } from "../cli/support.ts";
import { bury, openQueue, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { replicates } from "./support/sentinels.ts";

const REPLICATED = { TASKFLEET_DURABILITY: "replicated", TASKFLEET_REPLICA_TIMEOUT: "1" };

describe("replicated pushes", () => {
  let master: TestRedis;
  let replica: TestRedis;
  let queue: TestQueue;
  before(async () => {
    master = await startRedis(["--repl-diskless-sync-delay", "0"]);
    replica = await startRedis(["--replicaof", `127.0.0.1 ${master.port}`]);
    await replicates(master, 1);
    queue = openQueue(master, "peagen.tasks");
  });
  after(async () => {
    queue.close();
    await Promise.all([master.stop(), replica.stop()]);
  });

  const producer = (timeoutMs: number, url = master.url) => {
    const redis = createConnection({ url, password: "", profile: "client", name: "push" });
    const options = { resultTtlSeconds: 60, maxPayloadBytes: 10_000, replicated: { timeoutMs } };
    return { redis, producer: new Producer(redis, queue.stream, options) };
  };
  const env = (more: Readonly<Record<string, string>> = REPLICATED) => ({ REDIS_URL: master.url, ...more });
  const stalled = async (work: () => Promise<void>) => {
    replica.process.kill("SIGSTOP");
    try {
      await work();
    } finally {
      replica.process.kill("SIGCONT");
    }
  };
  const waits = async () =>
    Number((await master.client.info("commandstats")).match(/cmdstat_wait:calls=(\d+)/)?.[1] ?? 0);

  it("return when the replica has them, with one WAIT for a batch", async () => {
    const { redis, producer: push } = producer(3_000);
    const before = await waits();
    const tasks = Array.from({ length: 1_200 }, (_, i) => ({ kind: "k", payload: i, id: `batch-${i}` }));
    assert.deepEqual(new Set((await push.enqueue(tasks)).map(({ state }) => state)), new Set(["waiting"]));
    assert.equal(await waits(), before + 1);
    assert.equal(await replica.client.xlen(queue.stream), 1_200);
    redis.disconnect();
  });

  it("make no further call where durability is local", async () => {
    const before = await waits();
    await queue.push();
    const run = await cli(["push", "execute", "--payload", '{"command":["true"]}'], { env: env({}) });
    assert.equal(run.code, 1, run.err);
    assert.match(run.err, /no kinds are published/);
    assert.equal(await waits(), before);
  });

  it("fail with their ids while the replica is stalled, and are confirmed by the same push later", async () => {
    const { redis, producer: push } = producer(1_000);
    const tasks = [
      { kind: "k", payload: 1, id: "late" },
      { kind: "k", payload: 2 },
    ];
    await push.enqueue([{ kind: "k", payload: 0 }]);
    await stalled(async () => {
      await assert.rejects(push.enqueue(tasks), (error: unknown) => {
        assert(error instanceof UnconfirmedError);
        assert.deepEqual(error.enqueued.length, 2);
        assert.equal(error.enqueued[0], "late");
        assert.match(
          error.message,
          /^2 tasks are stored, but no replica of Redis confirmed that within 1 s \(TASKFLEET_REPLICA_TIMEOUT\).*: late, /,
        );
        return true;
      });
      // Known already, and no less unconfirmed.
      await assert.rejects(push.enqueue(tasks.slice(0, 1)), UnconfirmedError);
    });
    const again = producer(3_000);
    assert.deepEqual(await again.producer.enqueue(tasks.slice(0, 1)), [{ id: "late", state: "duplicate" }]);
    for (const one of [redis, again.redis]) one.disconnect();
  });

  it("are unconfirmed where the question itself is refused, as by a master that was just demoted", async () => {
    const { redis, producer: push } = producer(1_000);
    await push.enqueue([{ kind: "k", payload: 0 }]);
    await master.client.acl("SETUSER", "default", "-wait");
    try {
      await assert.rejects(push.enqueue([{ kind: "k", payload: 1, id: "unasked" }]), (error: unknown) => {
        assert(error instanceof UnconfirmedError);
        assert.deepEqual(error.enqueued, ["unasked"]);
        return true;
      });
      assert.equal(await master.client.hexists(queue.keys.index, "unasked"), 1);
    } finally {
      await master.client.acl("SETUSER", "default", "+wait");
    }
    redis.disconnect();
  });

  it("are refused, and nothing is pushed, where there is no replica", async () => {
    const alone = await startRedis();
    const { redis, producer: push } = producer(200, alone.url);
    await assert.rejects(push.enqueue([{ kind: "k", payload: 1 }]), NoReplicaError);
    assert.equal(await alone.client.exists(queue.stream), 0);
    redis.disconnect();
    const found = await checkStart({ REDIS_URL: alone.url, ...REPLICATED }, "spawner");
    const redisCheck = found.find(({ subject }) => subject === "redis");
    assert.deepEqual(
      [redisCheck?.ok, redisCheck?.message],
      [
        false,
        "TASKFLEET_DURABILITY: replicated, and the Redis of REDIS_URL has no replica that is in step; nothing was pushed: add a replica, or set local",
      ],
    );
    const api = await cli(["api"], { env: { REDIS_URL: alone.url, ...REPLICATED } });
    assert.equal(api.code, 3);
    assert.match(api.err, /TASKFLEET_DURABILITY: replicated, and the Redis of REDIS_URL has no replica/);
    await alone.stop();
    const ok = await checkStart(env(), "worker");
    assert.match(ok.find(({ subject }) => subject === "redis")?.message ?? "", /, with a replica$/);
  });

  it("obey on the command line, with every id", async () => {
    await queue.keeper.publishKinds([
      { kind: "execute", version: "1", description: "", payload: { type: "object" } } as never,
    ]);
    const words = ["push", "execute", "--payload", '{"command":["true"]}', "--json"];
    const done = await cli(words, { env: env() });
    assert.equal(done.code, 0, done.err);
    await stalled(async () => {
      const failed = await cli(words, { env: env() });
      assert.equal(failed.code, 3);
      const [line] = jsonLines(failed.out);
      assert.equal(line?.state, "unconfirmed");
      assert.equal(await master.client.hexists(queue.keys.index, String(line?.id)), 1);
      assert.match(failed.err, /^taskfleet: 1 task is stored, but no replica/);
    });
  });

  it("obey as requeues", async () => {
    const id = await bury(queue, queue.consumer("w"));
    const redis = createConnection({ url: master.url, password: "", profile: "client", name: "requeue" });
    const letters = new DeadLetters(redis, queue.stream, { timeoutMs: 200 });
    await stalled(async () => {
      await assert.rejects(letters.requeueIds([id]), (error: unknown) => {
        assert(error instanceof UnconfirmedError);
        assert.deepEqual(error.enqueued, [id]);
        return true;
      });
    });
    const patient = new DeadLetters(redis, queue.stream, { timeoutMs: 3_000 });
    assert.deepEqual(await patient.requeueIds([id]), [{ id, state: "waiting" }]);
    redis.disconnect();
  });

  it("obey in an application's client", async () => {
    const client = createClient({ redisUrl: master.url, durability: "replicated" });
    const handler = { kind: "execute", payload: { type: "object" } } as never;
    await client.push(handler, { command: ["true"] } as never, { id: "by-client" });
    await waitFor(
      "the replica to show it",
      async () => (await replica.client.hexists(queue.keys.index, "by-client")) === 1,
    );
    await client.close();
    assert.throws(() => createClient({ redisUrl: master.url, durability: "x" as never }), {
      message: 'createClient: 1 option cannot be used\n  durability: local or replicated, not "x"',
    });
  });
});

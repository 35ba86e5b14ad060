import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { FLEET_KEYS } from "../../worker/contract/fleet-keys.ts";
import { ApiKeys } from "../../worker/src/adapters/redis/api-keys.ts";
import {
  type ConnectionProfile,
  connectionOf,
  createConnection,
  serverOf,
} from "../../worker/src/adapters/redis/connection.ts";
import { depth } from "../../worker/src/adapters/redis/queue-status.ts";
import { openQueue, resultOf, type TestQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { startCluster, type TestCluster } from "./support/cluster.ts";
import { startSentinelGroup } from "./support/sentinels.ts";

const PASSWORD = createHash("sha1").update("of Redis").digest("hex");

function connect(url: string, more: { password?: string | (() => string); queue?: string } = {}) {
  return createConnection({ url, password: "", profile: "client", name: "test", ...more });
}

/** A queue's parts, over connections to that URL. */
function queueAt(url: string, cluster: TestCluster, stream: string): TestQueue {
  const [node] = cluster.nodes;
  assert(node !== undefined);
  return openQueue({ ...node, url }, stream);
}

describe("connections by Sentinels", () => {
  it("lead to the master, with the password of both, which may rotate", async () => {
    const group = await startSentinelGroup({ password: PASSWORD });
    const url = `${group.url}?sentinelAuth=redis`;
    let password = PASSWORD;
    const redis = connect(url, { password: () => password });
    assert.deepEqual(await serverOf(redis), { host: "127.0.0.1", port: group.master.port });

    const wrong = connect(url, { password: "wrong" });
    await assert.rejects(wrong.ping(), {
      name: "RedisUnavailableError",
      message: `cannot reach Redis at ${group.url.slice("redis+sentinel://".length).replace(/(.*)\/(.*)/, "$2 of $1")}: a Sentinel refuses the password (sentinelPassword or sentinelAuth=redis in REDIS_URL)`,
    });
    const next = `${PASSWORD}-next`;
    // Its own connection goes on as who it is.
    await group.sentinel.call("SENTINEL", "SET", "mymaster", "auth-pass", next);
    for (const { client } of [group.master, group.replica]) {
      await client.config("SET", "requirepass", next);
      await client.config("SET", "masterauth", next);
    }
    const other = `${group.url}?sentinelPassword=${PASSWORD}`;
    password = next;
    const rotated = connect(other, { password: () => password });
    assert.equal((await serverOf(rotated)).port, group.master.port);
    for (const one of [redis, wrong, rotated]) one.disconnect();
    await group.stop();
  });

  it("that nobody can make say why", async () => {
    const group = await startSentinelGroup();
    const [hosts = ""] = group.url.slice("redis+sentinel://".length).split("/");
    const unknown = connect(`redis+sentinel://${hosts}/other`);
    await assert.rejects(unknown.ping(), {
      name: "RedisUnavailableError",
      message: `cannot reach Redis at other of ${hosts}: no Sentinel knows a master of that name`,
    });
    unknown.disconnect();
    await group.stop();
    const gone = connect(group.url);
    await assert.rejects(gone.ping(), {
      name: "RedisUnavailableError",
      message: /^cannot reach Redis at mymaster of .*: no Sentinel answers$/,
    });
    gone.disconnect();
  });
});

describe("connections to a Cluster", () => {
  let cluster: TestCluster;
  const open: Redis[] = [];
  before(async () => {
    cluster = await startCluster();
  });
  after(async () => {
    for (const one of open) one.disconnect();
    await cluster.stop();
  });
  const connected = (queue: string, profile: ConnectionProfile = "client") => {
    const made = createConnection({ url: cluster.url, password: "", profile, name: "test", queue });
    open.push(made);
    return made;
  };

  /** Names of streams that different nodes serve. */
  async function apart(): Promise<readonly [string, string]> {
    const first = await cluster.masterOf("q-0");
    for (let i = 1; ; i++) if ((await cluster.masterOf(`q-${i}`)) !== first) return ["q-0", `q-${i}`];
  }

  it("lead to the node of the queue's slot", async () => {
    for (const queue of await apart()) {
      const { port } = await serverOf(connected(queue));
      assert.equal(port, (await cluster.masterOf(queue)).port);
    }
  });

  it("serve keys of other slots too, each at its node", async () => {
    const [mine, other] = await apart();
    const redis = connected(mine);
    await redis.set(`{${other}}:x`, "x");
    assert.equal(await (await cluster.masterOf(other)).client.get(`{${other}}:x`), "x");
    assert.equal(connectionOf(redis, `{${mine}}:index`), redis);
    const theirs = connectionOf(redis, other);
    assert.equal(connectionOf(redis, `{${other}}:index`), theirs);
    assert.equal((await serverOf(theirs)).port, (await cluster.masterOf(other)).port);
    const keys = new ApiKeys(redis);
    const { id } = await keys.create({
      name: "n",
      created_at: 1,
      rate: null,
      expires_at: null,
      scopes: [],
    } as never);
    assert.equal((await keys.list()).length, 1);
    const holder = await cluster.masterOf(FLEET_KEYS.apiKeys);
    assert.equal(await holder.client.hexists(FLEET_KEYS.apiKeys, id), 1);
  });

  it("carry a queue through its whole life", async () => {
    const queue = queueAt(cluster.url, cluster, "life");
    const consumer = queue.consumer("w");
    const waited = queue.producer
      .enqueue([{ kind: "k", payload: 1, id: "a" }])
      .then(() => queue.results.wait(["a"]));
    const task = await queue.take(consumer);
    assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
    assert.equal((await waited).get("a")?.state, "settled");
    assert.deepEqual(await queue.results.readKnown(["a", "b"]).then((all) => all.map(({ state }) => state)), [
      "settled",
      "unknown",
    ]);
    assert.deepEqual(await queue.letters.list(), []);
    queue.close();
  });

  it("read streams of different nodes, and wait at all of them at once", async () => {
    const [mine, other] = await apart();
    const queue = queueAt(cluster.url, cluster, mine);
    const second = queueAt(cluster.url, cluster, other);
    const consumer = queue.consumer("w", [mine, other]);
    for (const each of [queue, second]) await each.producer.ensureGroup();
    await consumer.read(1, 1);
    // Far longer than the test may take: it ends because the other place is woken.
    const read = consumer.read(2, 600_000);
    const blocked = async (stream: string) =>
      /cmd=xreadgroup/.test(String(await (await cluster.masterOf(stream)).client.client("LIST")));
    await waitFor("both reads to wait", async () => (await blocked(mine)) && (await blocked(other)));
    await second.push({ id: "there" });
    assert.deepEqual(
      (await read).map(({ id, stream }) => [id, stream]),
      [["there", other]],
    );
    for (const each of [queue, second]) {
      assert.equal((await depth(each.redis, each.stream)).running, each === second ? 1 : 0);
      each.close();
    }
  });
});

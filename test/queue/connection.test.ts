import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createConnection, redisAddress, replies } from "../../worker/src/adapters/redis/connection.ts";
import { Producer } from "../../worker/src/adapters/redis/producer.ts";
import { RedisUnavailableError } from "../../worker/src/core/errors.ts";
import { openQueue, reportOf, resultOf, type TestQueue } from "../support/queue.ts";
import { quietPort } from "../support/quiet-port.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

const PASSWORD = ["cor", "rect-horse"].join("");

function client(url: string, password = "") {
  return createConnection({ url, password, profile: "client", name: "test" });
}

describe("connection", () => {
  it("shows addresses without user and password", () => {
    assert.equal(redisAddress(`redis://user:${PASSWORD}@example.org:7000/2`), "example.org:7000");
    assert.equal(redisAddress("rediss://[::1]"), "[::1]:6379");
    for (const wrong of ["", "localhost:6379", "http://x", `redis+x://:${PASSWORD}@h`]) {
      assert.throws(
        () => redisAddress(wrong),
        /^TaskfleetError: REDIS_URL: not a Redis address; expected redis:/,
      );
    }
  });

  it("makes no connection before the first command", async () => {
    const redis = client(`redis://127.0.0.1:${await quietPort()}`);
    assert.equal(redis.status, "wait");
    redis.disconnect();
  });

  it("a client's push fails with the address where nobody listens", async () => {
    const port = await quietPort();
    const redis = client(`redis://:${PASSWORD}@127.0.0.1:${port}`);
    const producer = new Producer(redis, "s", { resultTtlSeconds: 1, maxPayloadBytes: 100 });
    const tasks = Array.from({ length: 1_200 }, () => ({ kind: "k", payload: 1 }));
    await assert.rejects(producer.enqueue(tasks), (error: unknown) => {
      assert(error instanceof RedisUnavailableError);
      assert.equal(
        error.message,
        `cannot reach Redis at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
      );
      assert.deepEqual(error.enqueued, []);
      assert(!JSON.stringify(error).includes(PASSWORD));
      return true;
    });
    await assert.rejects(replies(redis, redis.pipeline().get("x")), RedisUnavailableError);
    redis.disconnect();
  });

  it("a client's push fails where the other side never answers", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    assert(address !== null && typeof address !== "string");
    const redis = client(`redis://127.0.0.1:${address.port}`);
    await assert.rejects(redis.ping(), {
      name: "RedisUnavailableError",
      message: `cannot reach Redis at 127.0.0.1:${address.port}: no answer within 4 s`,
    });
    redis.disconnect();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("something that is no Redis is told as such", async () => {
    const greeting = createServer((socket) => {
      socket.on("error", () => {});
      socket.write("SSH-2.0-server\r\n");
    }).listen(0, "127.0.0.1");
    await once(greeting, "listening");
    const address = greeting.address();
    assert(address !== null && typeof address !== "string");
    const redis = client(`redis://127.0.0.1:${address.port}`);
    await assert.rejects(redis.ping(), {
      name: "RedisUnavailableError",
      message: `cannot reach Redis at 127.0.0.1:${address.port}: what answers there is no Redis (REDIS_URL)`,
    });
    redis.disconnect();
    greeting.close();
  });

  it("a refused password is told as such, without the password", async () => {
    const server = await startRedis();
    await server.client.config("SET", "requirepass", PASSWORD);
    for (const wrong of ["", `${PASSWORD}-not`]) {
      const redis = client(server.url, wrong);
      await assert.rejects(redis.get("x"), {
        name: "RedisUnavailableError",
        message: `cannot reach Redis at 127.0.0.1:${server.port}: it refuses the password (REDIS_PASSWORD or REDIS_PASSWORD_FILE)`,
      });
      redis.disconnect();
    }
    const right = client(server.url, PASSWORD);
    assert.equal(await right.get("x"), null);
    right.disconnect();
    await server.stop();
  });

  it("the other profiles wait for Redis and go on", async () => {
    const port = await quietPort();
    const redis = createConnection({
      url: `redis://127.0.0.1:${port}`,
      password: "",
      profile: "command",
      name: "patient",
    });
    const producer = new Producer(redis, "s", { resultTtlSeconds: 60, maxPayloadBytes: 100 });
    const pushed = producer.enqueue([{ kind: "k", payload: 1, id: "x" }]);
    const server = await startRedis([], port);
    assert.deepEqual(await pushed, [{ id: "x", state: "waiting" }]);
    assert.match(String(await server.client.client("LIST")), /name=patient/);
    redis.disconnect();
    await server.stop();
  });

  it("a blocked read whose connection went silent takes another one", async () => {
    const server = await startRedis();
    const sockets: Socket[] = [];
    // The first connection says no more once its read is blocked, and never closes: a host that vanished.
    const proxy = createServer((socket) => {
      const upstream = connect(server.port, "127.0.0.1");
      const first = sockets.length === 0;
      sockets.push(socket, upstream);
      socket.on("data", (data) => {
        if (!first || !data.includes("xreadgroup")) upstream.write(data);
      });
      upstream.pipe(socket);
      for (const end of [socket, upstream]) end.on("error", () => {});
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const address = proxy.address();
    assert(address !== null && typeof address !== "string");
    const queue = openQueue(server);
    await queue.push({ id: "x" });
    const behind = openQueue({ ...server, url: `redis://127.0.0.1:${address.port}` }, queue.stream);
    const consumer = behind.consumer("w");
    assert.deepEqual(
      (await consumer.read(1, 50)).map(({ id }) => id),
      ["x"],
    );
    for (const each of [queue, behind]) each.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await server.stop();
  });

  describe("an answer that is lost with its connection", () => {
    let server: TestRedis;
    let proxy: AnswerEater;
    let queue: TestQueue;
    before(async () => {
      server = await startRedis();
      proxy = await startAnswerEater(server.port);
      queue = openQueue({ ...server, url: proxy.url });
      await queue.push({ id: "warm" });
    });
    after(async () => {
      queue.close();
      proxy.stop();
      await server.stop();
    });

    it("a push enqueues once", async () => {
      proxy.eatNext();
      const [own, given] = await queue.producer.enqueue([
        { kind: "k", payload: 1 },
        { kind: "k", payload: 1, id: "x" },
      ]);
      assert.equal(proxy.eaten(), 1);
      assert.deepEqual([own?.state, given?.state], ["waiting", "duplicate"]);
      assert.equal(await queue.redis.xlen(queue.stream), 3);
      assert.equal((await queue.stats())["enqueued:k"], "3");
    });

    it("a settled task stays settled, and its worker is told so", async () => {
      const consumer = queue.consumer("w");
      const task = await queue.take(consumer);
      await consumer.heartbeat([task], reportOf("w"));
      await consumer.settle([{ task: { ...task, entryId: "0-1" }, result: resultOf(task), runtimeMs: 1 }]);
      proxy.eatNext();
      assert.deepEqual(await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]), [true]);
      assert.equal(proxy.eaten(), 2);
      const stats = await queue.stats();
      assert.deepEqual([stats["task:k:k:success"], stats.late], ["1", "1"]);
    });
  });
});

interface AnswerEater {
  readonly url: string;
  /** The next answer of the server is lost, and the connection with it. */
  eatNext(): void;
  eaten(): number;
  stop(): void;
}

async function startAnswerEater(port: number): Promise<AnswerEater> {
  let eat = false;
  let eaten = 0;
  const proxy = createServer((socket) => {
    const upstream = connect(port, "127.0.0.1");
    socket.pipe(upstream);
    upstream.on("data", (data) => {
      if (!eat) return socket.write(data);
      eat = false;
      eaten++;
      socket.destroy();
      return upstream.destroy();
    });
    socket.on("close", () => upstream.destroy());
    for (const end of [socket, upstream]) end.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  assert(address !== null && typeof address !== "string");
  return {
    url: `redis://127.0.0.1:${address.port}`,
    eatNext: () => {
      eat = true;
    },
    eaten: () => eaten,
    stop: () => proxy.close(),
  };
}

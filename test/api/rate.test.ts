import assert from "node:assert/strict";
import { FLEET_KEYS } from "../../worker/contract/fleet-keys.ts";
import { serverTimeMs } from "../../worker/src/adapters/redis/queue-status.ts";
import { RateLimit } from "../../worker/src/adapters/redis/rate-limit.ts";
import { type TestQueue, withQueue } from "../support/queue.ts";
import { assertProblem } from "./problem.ts";
import { makeKey, publishKinds, TestApi } from "./support.ts";

/** Long enough for no call to leave the window by itself. */
const HOUR_MS = 3_600_000;
const HOURLY = { TASKFLEET_API_RATE_WINDOW: String(HOUR_MS / 1000) };

describe("the rate of calls", () => {
  let queue: TestQueue;
  const open: TestApi[] = [];
  withQueue((made) => {
    queue = made;
  });
  beforeEach(async () => {
    await queue.server.client.flushall();
    await publishKinds(queue);
  });
  afterEach(async () => {
    for (const api of open.splice(0)) await api.close();
  });
  const start = async (most: number, more: Readonly<Record<string, string>> = {}) => {
    const api = await TestApi.start(queue, { ...HOURLY, TASKFLEET_API_RATE: String(most), ...more });
    open.push(api);
    return api;
  };
  const push = (api: TestApi, key: string, forwarded?: string) =>
    api.call("POST", "/api/tasks", {
      ...{ key, body: { kind: "k" } },
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    });
  const statuses = async (calls: readonly (() => Promise<{ readonly status: number }>)[]) => {
    const found: number[] = [];
    for (const call of calls) found.push((await call()).status);
    return found;
  };
  /** Makes a client's calls look as if they had been made so many ms ago. */
  async function calledAt(client: string, ...ages: readonly number[]): Promise<number> {
    const now = await serverTimeMs(queue.redis);
    const key = FLEET_KEYS.rate + client;
    await queue.redis.del(key);
    await queue.redis.rpush(key, ...ages.map((age) => now - age));
    return now;
  }

  it("counts what was called in the window, and says when the oldest of it leaves", async () => {
    const rate = new RateLimit(queue.redis, HOUR_MS);
    const now = await calledAt("c", HOUR_MS + 1, HOUR_MS / 2, 1_000);
    const [third, fourth] = [await rate.count("c", 3), await rate.count("c", 3)];
    const after = await serverTimeMs(queue.redis);
    assert.deepEqual([third.allowed, third.left], [true, 0]);
    assert.deepEqual([fourth.allowed, fourth.left], [false, 0]);
    // It leaves half an hour after `now`, however long the two calls took.
    for (const { resetMs } of [third, fourth])
      assert.ok(resetMs <= HOUR_MS / 2 && resetMs >= HOUR_MS / 2 - (after - now), String(resetMs));
    assert.equal(await queue.redis.llen(`${FLEET_KEYS.rate}c`), 3);
  });

  it("lets a call leave exactly when its window is over, and keeps nothing of who called long ago", async () => {
    const rate = new RateLimit(queue.redis, HOUR_MS);
    await calledAt("at-the-edge", HOUR_MS);
    assert.equal((await rate.count("at-the-edge", 1)).allowed, true);
    await calledAt("before-it", HOUR_MS - 60_000);
    assert.equal((await rate.count("before-it", 1)).allowed, false);
    await rate.count("new", 1);
    const ttl = await queue.redis.pttl(`${FLEET_KEYS.rate}new`);
    assert.ok(ttl > 0 && ttl <= HOUR_MS, String(ttl));
  });

  it("tells with every answer how many calls are left, and with 429 when to come back", async () => {
    const api = await start(2);
    const { id, key } = await makeKey(queue);
    const first = await push(api, key);
    const told = (headers: Headers) => ["limit", "remaining"].map((name) => headers.get(`ratelimit-${name}`));
    assert.deepEqual([first.status, ...told(first.headers)], [202, "2", "1"]);
    const now = await calledAt(`key:${id}`, HOUR_MS - 90_500, 5);
    const refused = await push(api, key);
    const after = await serverTimeMs(queue.redis);
    const seconds = Number(refused.headers.get("retry-after"));
    assert.ok(seconds <= 91 && seconds >= Math.ceil((90_500 - (after - now)) / 1000), String(seconds));
    assertProblem(refused, "rate-limited", `at most 2 calls in any 3600 s; the next in ${seconds} s`);
    assert.deepEqual(
      [...told(refused.headers), refused.headers.get("ratelimit-reset")],
      ["2", "0", String(seconds)],
    );
  });

  it("counts refused pushes too, a batch as one call, and no other route", async () => {
    const api = await start(2);
    const { key } = await makeKey(queue);
    const batch = { tasks: [{ kind: "k" }, { kind: "k" }, { kind: "k" }] };
    assert.equal((await api.call("POST", "/api/tasks", { key, body: batch })).status, 202);
    assert.equal((await api.get("/api/queue", key)).status, 200);
    assert.equal((await api.call("POST", "/api/tasks", { key, body: { kind: "nope" } })).status, 422);
    assert.equal((await push(api, key)).status, 429);
    assert.equal((await api.get("/api/queue", key)).headers.get("ratelimit-limit"), null);
  });

  it("gives two replicas together exactly 100 calls of racing clients, a key and an address each", async () => {
    const [one, other] = [await start(100), await start(100)];
    const { key } = await makeKey(queue);
    const racing = (with_: string) =>
      Promise.all(Array.from({ length: 260 }, (_, n) => push(n % 2 === 0 ? one : other, with_)));
    const [withKey, without] = await Promise.all([racing(key), racing("")]);
    const count = (answers: readonly { readonly status: number }[], status: number) =>
      answers.filter((answer) => answer.status === status).length;
    assert.deepEqual([count(withKey, 202), count(withKey, 429)], [100, 160]);
    assert.deepEqual([count(without, 401), count(without, 429)], [100, 160]);
    assert.equal((await one.get("/api/queue")).body.waiting, 100);
  });

  it("knows a client by the address that the last trusted proxy saw, of IPv6 by its network", async () => {
    const plain = await start(1);
    assert.deepEqual(
      await statuses([() => push(plain, "", "192.0.2.1"), () => push(plain, "", "192.0.2.2")]),
      [401, 429],
    );
    await queue.redis.del(`${FLEET_KEYS.rate}ip:127.0.0.1`);
    const behind = await start(1, { TASKFLEET_API_TRUST_PROXY: "loopback, 10.0.0.0/8" });
    const from = (address: string) => () => push(behind, "", address);
    assert.deepEqual(
      await statuses([
        from("192.0.2.1"),
        // What stands before was said by the client itself.
        from("198.51.100.9, 192.0.2.1"),
        // A chain of two proxies.
        from("192.0.2.1, 10.1.2.3"),
        from("192.0.2.3"),
        from("2001:db8:1:2::1"),
        from("2001:db8:1:2:ffff::2"),
        from("2001:db8:1:3::1"),
        from("no address at all"),
        from("neither is this"),
      ]),
      [401, 429, 429, 401, 401, 429, 401, 401, 429],
    );
    const clients = (await queue.redis.keys(`${FLEET_KEYS.rate}*`)).map((name) =>
      name.slice(FLEET_KEYS.rate.length),
    );
    assert.deepEqual(clients.sort(), [
      ...["ip:192.0.2.1", "ip:192.0.2.3", "ip:2001:db8:1:2::/64", "ip:2001:db8:1:3::/64", "ip:unknown"],
    ]);
  });
});

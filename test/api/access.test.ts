import assert from "node:assert/strict";
import { FLEET_KEYS } from "../../worker/contract/fleet-keys.ts";
import { ApiKeys } from "../../worker/src/adapters/redis/api-keys.ts";
import { fitsRecord, hashApiKey } from "../../worker/src/core/api-key.ts";
import { type TestQueue, withQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { makeKey, publishKinds, TestApi } from "./support.ts";

describe("who may call the API, and how often", () => {
  let queue: TestQueue;
  const open: TestApi[] = [];
  const start = async (environment: Readonly<Record<string, string>> = {}) => {
    const api = await TestApi.start(queue, environment);
    open.push(api);
    return api;
  };
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
  const push = (api: TestApi, key: string) => api.call("POST", "/api/tasks", { key, body: { kind: "k" } });

  it("wants a key that counts", async () => {
    const api = await start();
    const { key } = await makeKey(queue);
    const past = await makeKey(queue, undefined, { expires_at: Date.now() - 1 });
    for (const wrong of [
      "",
      "nonsense",
      `${key.slice(0, -1)}!`,
      past.key,
      `tfk_AAAAAAAAAAAA_${"a".repeat(43)}`,
    ]) {
      const { status, headers } = await api.get("/api/queue", wrong);
      assert.deepEqual([wrong, status, headers.get("www-authenticate")], [wrong, 401, "Bearer"]);
    }
    assert.equal((await api.get("/api/queue", key)).status, 200);
  });

  it("keeps a key to its verbs and streams", async () => {
    const api = await start();
    const { key: reads } = await makeKey(queue, ["queue:read"]);
    assert.equal((await api.get("/api/queue", reads)).status, 200);
    assert.deepEqual((await push(api, reads)).body.detail, "this key lacks the verb tasks:push");
    const { key: elsewhere } = await makeKey(queue, undefined, { streams: ["other"] });
    assert.equal((await api.get("/api/queue", elsewhere)).status, 403);
    assert.equal((await api.get("/api/queue?stream=other", elsewhere)).status, 404);
  });

  it("refuses a revoked key, and keeps no key in Redis or the log", async () => {
    const api = await start();
    const { id, key } = await makeKey(queue);
    assert.equal((await api.get("/api/queue", key)).status, 200);
    assert.deepEqual(await new ApiKeys(queue.redis).revoke([id, "nobody"]), [id]);
    await waitFor("the key's end", async () => (await api.get("/api/queue", key)).status === 401);
    assert.equal(api.log.join("").includes(key), false);
    await makeKey(queue);
    assert.equal(JSON.stringify(await queue.redis.hgetall(FLEET_KEYS.apiKeys)).includes("tfk_"), false);
  });

  it("compares digests", () => {
    const record = {
      v: 1,
      hash: hashApiKey("key"),
      streams: [],
      verbs: [],
      created_at: 1,
      note: "",
    } as const;
    assert.equal(fitsRecord("key", record, 5), true);
    assert.equal(fitsRecord("kez", record, 5), false);
    assert.equal(fitsRecord("key", { ...record, expires_at: 5 }, 5), false);
    assert.equal(fitsRecord("", undefined, 5), false);
  });

  it("gives a key its own number of calls", async () => {
    const api = await start({ TASKFLEET_API_RATE: "1", TASKFLEET_API_RATE_WINDOW: "3600" });
    const { key: two } = await makeKey(queue, undefined, { rate: 2 });
    const statuses = [];
    for (const key of [two, two, two]) statuses.push((await push(api, key)).status);
    assert.deepEqual(statuses, [202, 202, 429]);
    const { key: free } = await makeKey(queue, undefined, { rate: 0 });
    for (const key of [free, free, free]) assert.equal((await push(api, key)).status, 202);
  });

  it("lets the window slide", async () => {
    const api = await start({ TASKFLEET_API_RATE: "2", TASKFLEET_API_RATE_WINDOW: "1" });
    const { key } = await makeKey(queue);
    assert.equal((await push(api, key)).status, 202);
    await waitFor("a call after the window", async () => {
      const { status } = await push(api, key);
      return status === 429 ? "refused" : undefined;
    });
    await waitFor("room again", async () => (await push(api, key)).status === 202);
  });
});

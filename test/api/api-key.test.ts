import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { API_VERBS } from "../../worker/contract/api.ts";
import { FLEET_KEYS } from "../../worker/contract/fleet-keys.ts";
import { type CliRun, cli, jsonLine, jsonLines } from "../cli/support.ts";
import { type TestQueue, withQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { publishKinds, TestApi } from "./support.ts";

const KEY = /^tfk_([A-Za-z0-9]{12})_[A-Za-z0-9_-]{43}$/;
const DAY_MS = 86_400_000;

describe("api-key", function () {
  this.timeout(60_000);
  let queue: TestQueue;
  withQueue((made) => {
    queue = made;
  });
  beforeEach(async () => {
    await queue.server.client.flushall();
    await publishKinds(queue);
  });
  const apiKey = (...words: readonly string[]): Promise<CliRun> =>
    cli(["api-key", ...words], { env: { REDIS_URL: queue.server.url } });
  const made = async (...words: readonly string[]) => {
    const { id, key } = jsonLine((await apiKey("create", "--json", ...words)).out) as {
      id: string;
      key: string;
    };
    return { id, key };
  };
  const kept = async () => {
    const found = await queue.redis.hgetall(FLEET_KEYS.apiKeys);
    return Object.entries(found).map(([id, text]) => ({
      id,
      ...(JSON.parse(text) as Record<string, unknown>),
    }));
  };

  it("create prints the key alone, once, and keeps its digest and what it may do", async () => {
    const before = Date.now();
    const words = ["--verbs", "tasks:push,tasks:read", "--stream", "a", "b", "--expires", "30d"];
    const { code, out, err } = await apiKey("create", ...words, "--rate", "7", "--note", "ci's");
    const after = Date.now();
    const key = out.trimEnd();
    const id = KEY.exec(key)?.[1];
    assert.deepEqual([code, out, err], [0, `${key}\n`, `key ${id}; it is not shown again\n`]);
    const [record] = await kept();
    const { created_at, expires_at, ...rest } = record as unknown as {
      created_at: number;
      expires_at: number;
    };
    assert.deepEqual(rest, {
      ...{ id, v: 1, hash: createHash("sha256").update(key).digest("hex") },
      ...{ streams: ["a", "b"], verbs: ["tasks:push", "tasks:read"], note: "ci's", rate: 7 },
    });
    assert.ok(before <= created_at && created_at <= after);
    assert.equal(expires_at, created_at + 30 * DAY_MS);
    const everything = JSON.stringify(await queue.redis.hgetall(FLEET_KEYS.apiKeys));
    assert.equal(everything.includes(key.slice(key.lastIndexOf("_"))), false);
  });

  it("create gives everything for ever unless told otherwise; --json prints one object", async () => {
    const { code, out, err } = await apiKey("create", "--json");
    const { id, key, ...more } = jsonLine(out);
    assert.deepEqual([code, err, more, KEY.exec(String(key))?.[1]], [0, "", {}, id]);
    const [{ hash: _, created_at: __, ...record } = {}] = (await kept()) as Record<string, unknown>[];
    assert.deepEqual(record, { id, v: 1, streams: ["*"], verbs: [...API_VERBS], note: "" });
  });

  it("create refuses what is no verb, age or rate, and makes nothing", async () => {
    for (const [words, told] of [
      [
        ["--verbs", "tasks:push,tasks:pull"],
        /^taskfleet: option '--verbs <list>' argument '.*' is invalid\. Give some of tasks:push, /,
      ],
      [["--expires", "soon"], /--expires <age>.*is invalid/],
      [["--rate", "-1"], /--rate <calls>.*is invalid/],
    ] as const) {
      const { code, out, err } = await apiKey("create", ...words);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, told);
    }
    assert.deepEqual(await kept(), []);
  });

  it("list shows keys, oldest first, and no digest", async () => {
    assert.equal((await apiKey("list")).out, "no keys\n");
    const record = { v: 1, hash: "f".repeat(64), streams: ["*"], verbs: API_VERBS, created_at: 0, note: "" };
    const keep = (id: string, more: object) =>
      queue.redis.hset(FLEET_KEYS.apiKeys, id, JSON.stringify({ ...record, ...more }));
    await keep("later0000000", { created_at: DAY_MS, note: "the later\none" });
    await keep("first0000000", { streams: ["a"], verbs: ["queue:read"], expires_at: 2 * DAY_MS });
    assert.equal(
      (await apiKey("list")).out,
      [
        "id            streams  verbs       made                      expires                   note",
        "first0000000  a        queue:read  1970-01-01T00:00:00.000Z  1970-01-03T00:00:00.000Z",
        "later0000000  *        all         1970-01-02T00:00:00.000Z  never                     the later one",
        "",
      ].join("\n"),
    );
    const { out } = await apiKey("list", "--json");
    assert.equal(out.includes("hash"), false);
    assert.deepEqual(
      jsonLines(out).map(({ id, expires_at }) => [id, expires_at]),
      [
        ["first0000000", 2 * DAY_MS],
        ["later0000000", undefined],
      ],
    );
  });

  it("revoke ends keys on every replica; an id that is none is told", async () => {
    const replicas = [await TestApi.start(queue), await TestApi.start(queue)];
    const { id, key } = await made();
    for (const api of replicas) assert.equal((await api.get("/api/queue", key)).status, 200);
    const { code, out, err } = await apiKey("revoke", id, "nobody000000");
    assert.deepEqual([code, out, err], [1, `${id}  revoked\nnobody000000  no such key\n`, ""]);
    assert.deepEqual(await kept(), []);
    for (const api of replicas) {
      await waitFor("the key's end", async () => (await api.get("/api/queue", key)).status === 401);
      await api.close();
    }
    assert.deepEqual([(await apiKey("revoke", id)).code, (await apiKey("revoke")).code], [1, 2]);
  });

  it("rotates a key without a refused call: make another, use it, revoke the first", async () => {
    const api = await TestApi.start(queue);
    const old = await made("--note", "app");
    const push = async (key: string) =>
      (await api.call("POST", "/api/tasks", { key, body: { kind: "k" } })).status;
    const statuses = [await push(old.key)];
    const next = await made("--note", "app");
    statuses.push(await push(old.key), await push(next.key));
    await apiKey("revoke", old.id);
    await waitFor("the old key's end", async () => (await push(old.key)) === 401);
    statuses.push(await push(next.key));
    assert.deepEqual(statuses, [202, 202, 202, 202]);
    await api.close();
  });

  it("takes no key that expired while it was known", async () => {
    const api = await TestApi.start(queue);
    const { id, key } = await made("--expires", "1h");
    assert.equal((await api.get("/api/queue", key)).status, 200);
    const [record] = await kept();
    const past = { ...record, expires_at: Date.now() };
    await queue.redis.hset(FLEET_KEYS.apiKeys, id, JSON.stringify(past));
    await waitFor("the key's end", async () => (await api.get("/api/queue", key)).status === 401);
    await api.close();
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { Registry } from "prom-client";
import { ApiKeys } from "../../../worker/src/adapters/redis/api-keys.ts";
import { exposeSessions } from "../../../worker/src/api/sessions/metrics.ts";
import { resultOf, type TestQueue, withQueue } from "../../support/queue.ts";
import { waitFor } from "../../support/wait.ts";
import { FIRST_KEY, makeKey, publishKinds, TestApi } from "../support.ts";
import { cutClients, SessionClient } from "./support.ts";

/** Ticks of the server come often, so that its clock alone decides. */
const OFTEN = { TASKFLEET_SESSION_HEARTBEAT: "0.2" };

describe("the bounds of sessions", () => {
  let queue: TestQueue;
  const open: TestApi[] = [];
  /** The API's clock, in ms. */
  let time = 0;
  withQueue((made) => {
    queue = made;
  });
  beforeEach(() => publishKinds(queue));
  afterEach(async () => {
    cutClients();
    for (const api of open.splice(0)) await api.close();
  });
  const start = async (environment: Readonly<Record<string, string>> = {}, now?: () => number) => {
    const api = await TestApi.start(queue, environment, { now });
    open.push(api);
    return api;
  };
  const refusal = async (what: Promise<unknown>) =>
    what.then(
      () => "connected",
      (error: Error) => error.message,
    );

  it("lets in who has a key that counts and may open sessions, by header or subprotocol, never by the URL", async () => {
    const api = await start();
    const { key } = await makeKey(queue);
    const { key: reader } = await makeKey(queue, ["tasks:read"]);
    await (await SessionClient.open(api, { key })).close();
    const headers = { authorization: `Bearer ${key}` };
    const byHeader = await SessionClient.open(api, { key: "none", options: { headers } });
    assert.equal(byHeader.ws.protocol, "taskfleet.v1");
    const wrong = [
      { key: "none" },
      { key: "none", query: `?key=${key}` },
      { key: reader },
      { key, query: "?stream=elsewhere" },
    ];
    const refused = [];
    for (const how of wrong) refused.push(await refusal(SessionClient.connect(api, how)));
    const of = (status: number) => `Unexpected server response: ${status}`;
    assert.deepEqual(refused, [of(401), of(401), of(403), of(404)]);
  });

  it("answers other requests with an Upgrade header as if they had none", async () => {
    const api = await start();
    const asked = request(`${api.base}/api/queue`, {
      headers: { authorization: `Bearer ${FIRST_KEY}`, connection: "Upgrade", upgrade: "h2c" },
    });
    const [answer] = await once(asked.end(), "response");
    assert.equal(answer.statusCode, 200);
    answer.resume();
    const plain = await api.get("/api/session");
    assert.deepEqual([plain.status, plain.headers.get("upgrade")], [426, "websocket"]);
    assert.equal((await api.get("/api/session", "none")).status, 401);
  });

  it("holds each message to the verbs of the key", async () => {
    const api = await start();
    const { key } = await makeKey(queue, ["sessions:open", "tasks:push"]);
    const client = await SessionClient.open(api, { key });
    assert.equal((await client.push("a")).type, "pushed");
    for (const [ref, type] of [
      ["b", "follow"],
      ["c", "cancel"],
    ]) {
      client.say({ type, ref, ids: ["x"] });
      const { problem } = await client.next((message) => message.ref === ref);
      assert.equal((problem as { status: number }).status, 403);
    }
    assert.deepEqual(client.events, []);
  });

  it("says what is wrong with a message and goes on, but for the first", async () => {
    const api = await start();
    const client = await SessionClient.open(api);
    const detail = async (ref: string, message: unknown) => {
      client.say(message);
      const { problem } = await client.next((one) => one.type === "error" && one.ref === ref);
      return (problem as { detail: string }).detail;
    };
    const push = (ref: string, task: object) => ({ type: "push", ref, task });
    assert.equal(
      await detail("1", push("1", { kind: "none" })),
      (await api.post("/api/tasks", { kind: "none" })).body.detail,
    );
    const wrong = { kind: "n", payload: { n: "x" } };
    assert.equal(await detail("2", push("2", wrong)), (await api.post("/api/tasks", wrong)).body.detail);
    assert.equal(
      await detail("3", push("3", { kind: "k", more: 1 })),
      "task.more: must NOT have additional properties",
    );
    assert.match(await detail("4", { type: "dance", ref: "4" }), /^type: one of open, resume, push,/);
    assert.equal(
      await detail("5", { type: "follow", ref: "5", ids: [] }),
      "ids: must NOT have fewer than 1 items",
    );
    client.say("{");
    await client.next(
      ({ problem }) => (problem as { detail?: string })?.detail?.includes("no JSON") === true,
    );
    assert.equal((await client.push("6")).type, "pushed");
    const rude = await SessionClient.connect(api);
    rude.say({ type: "follow", ids: ["x"] });
    assert.deepEqual(await rude.closed, [4400, "the first message opens or resumes a session"]);
  });

  it("counts pushes like those over HTTP", async () => {
    const api = await start({ TASKFLEET_API_RATE: "2" });
    const { key } = await makeKey(queue);
    const client = await SessionClient.open(api, { key });
    await client.push("a");
    await api.call("POST", "/api/tasks", { key, body: { kind: "k" } });
    const { problem } = await client.push("b");
    assert.equal((problem as { status: number }).status, 429);
    assert.equal((await queue.stats())["enqueued:k"], "2");
  });

  it("gives a key so many sessions over all replicas; whoever closes one makes room", async () => {
    const limit = { TASKFLEET_SESSIONS_PER_CLIENT: "2" };
    const [one, other] = [await start(limit), await start(limit)];
    const { key } = await makeKey(queue);
    const first = await SessionClient.open(one, { key });
    await SessionClient.open(other, { key });
    const third = await SessionClient.connect(other, { key });
    third.say({ type: "open" });
    assert.deepEqual(await third.closed, [4429, "too many sessions of this key"]);
    await SessionClient.open(other, { key: (await makeKey(queue)).key });
    await first.close();
    await waitFor("room", async () => {
      const again = await SessionClient.connect(one, { key });
      again.say({ type: "open" });
      return Promise.race([again.next("session"), again.closed.then(() => null)]);
    });
  });

  it("cuts off connections beyond twice as many, opened or not", async () => {
    const api = await start({ TASKFLEET_SESSIONS_PER_CLIENT: "1" });
    const { key } = await makeKey(queue);
    await SessionClient.connect(api, { key });
    await SessionClient.connect(api, { key });
    assert.equal(await refusal(SessionClient.connect(api, { key })), "Unexpected server response: 429");
  });

  it("closes a session that is idle, which may be resumed", async () => {
    time = 1_000;
    const api = await start({ ...OFTEN, TASKFLEET_SESSION_IDLE: "100" }, () => time);
    const client = await SessionClient.open(api);
    const { id } = await client.push("a");
    time += 99_000;
    client.say({ type: "ack", cursor: (await client.next("event")).cursor });
    await waitFor("the word", () => api.parts.metrics.sessions.received === 3);
    time += 99_999;
    await queue.producer.cancel([String(id)]);
    await client.told(2);
    time += 99_999;
    const other = await SessionClient.open(api);
    time += 1;
    assert.deepEqual(await client.closed, [4408, "idle for too long"]);
    assert.equal(other.ws.readyState, other.ws.OPEN);
    const next = await SessionClient.resume(api, client.token, "1");
    assert.deepEqual(await next.told(1), [`${id} cancelled`]);
  });

  it("closes a connection that opens no session", async () => {
    time = 1_000;
    const api = await start(OFTEN, () => time);
    const client = await SessionClient.connect(api);
    time += 200;
    assert.deepEqual(await client.closed, [4408, "idle for too long"]);
  });

  it("ends a session when its time is over, for good", async () => {
    time = 1_000;
    const api = await start({ ...OFTEN, TASKFLEET_SESSION_TOTAL: "100" }, () => time);
    const client = await SessionClient.open(api);
    time += 100_000;
    assert.deepEqual(await client.closed, [4409, "the session's time is over"]);
    await waitFor(
      "its end",
      async () => (await queue.redis.keys(`{${queue.stream}}:session:*`)).length === 0,
    );
    const next = await SessionClient.resume(api, client.token);
    assert.equal((await next.closed)[0], 4404);
  });

  it("cuts off a client that does not answer pings, and keeps its session", async () => {
    const api = await start(OFTEN);
    const silent = await SessionClient.open(api, { options: { autoPong: false } });
    const lively = await SessionClient.open(api);
    assert.deepEqual(await silent.closed, [1006, ""]);
    assert.equal(lively.ws.readyState, lively.ws.OPEN);
    const next = await SessionClient.resume(api, silent.token);
    assert.equal((await next.next("session")).resumed, true);
    await waitFor("its end", () => api.parts.metrics.sessions.ends.get("lost") === 1);
  });

  it("closes a session whose key is revoked", async () => {
    const api = await start(OFTEN);
    const { id, key } = await makeKey(queue);
    const client = await SessionClient.open(api, { key });
    await new ApiKeys(queue.redis).revoke([id]);
    assert.deepEqual(await client.closed, [4401, "the key does not count any more"]);
  });

  it("refuses a message that is too large", async () => {
    const api = await start({ TASKFLEET_SESSION_MAX_MESSAGE: "2048" });
    const client = await SessionClient.open(api);
    await client.push("a", { kind: "k", payload: { text: "x".repeat(1_500) } });
    client.say(" ".repeat(2_049));
    assert.equal((await client.closed)[0], 1009);
    await waitFor("its end", () => api.parts.metrics.sessions.ends.get("size") === 1);
    const next = await SessionClient.resume(api, client.token);
    assert.equal((await next.next("session")).cursor, "1");
  });

  it("drops a client that does not read, without keeping more for it, while others go on", async () => {
    time = 1_000;
    const api = await start({ ...OFTEN, TASKFLEET_SESSION_BUFFER: "65536" }, () => time);
    const slow = await SessionClient.open(api);
    const lively = await SessionClient.open(api);
    const text = "x".repeat(1_000_000);
    const consumer = queue.consumer("w");
    const push = async (name: string) => {
      await queue.push({ id: name });
      const task = await queue.take(consumer);
      await consumer.settle([{ task, result: resultOf(task, { output: text }), runtimeMs: 1 }]);
    };
    const ids = Array.from({ length: 40 }, (_, n) => `task-${n}`);
    for (const client of [slow, lively]) {
      client.say({ type: "follow", ids });
      await client.next("followed");
      await client.told(40);
    }
    slow.ws.pause();
    const sent = api.parts.metrics.sessions.sent;
    for (const id of ids) await push(id);
    await lively.told(160);
    await waitFor("the drop", () => {
      time += 20;
      return api.parts.metrics.sessions.ends.get("slow") === 1;
    });
    // Sockets hold some of it; what is left was never sent.
    assert.ok(
      api.parts.metrics.sessions.sent - sent < 120 + 60,
      String(api.parts.metrics.sessions.sent - sent),
    );
    const cursor = slow.cursor;
    const next = await SessionClient.resume(api, slow.token, cursor);
    await next.told(160 - Number(cursor));
    assert.deepEqual(
      [...slow.states.slice(0, Number(cursor)), ...next.states].sort(),
      [...lively.states].sort(),
    );
  });

  it("sends clients elsewhere when it stops, and takes no more", async () => {
    const [one, other] = [await start(), await start()];
    const client = await SessionClient.open(one);
    const { id } = await client.push("a");
    await client.told(1);
    open.shift();
    await one.close();
    assert.deepEqual(await client.closed, [1012, "the server stops: resume elsewhere"]);
    await queue.producer.cancel([String(id)]);
    const next = await SessionClient.resume(other, client.token, "1");
    assert.deepEqual(await next.told(1), [`${id} cancelled`]);
  });

  it("shows what it counts in a registry", async () => {
    const api = await start();
    const registry = new Registry();
    exposeSessions(registry, api.parts.metrics.sessions);
    const client = await SessionClient.open(api);
    await client.push("a");
    await client.told(1);
    const shown = async () =>
      (await registry.metrics()).split("\n").filter((line) => !line.startsWith("#") && !/^$| 0$/.test(line));
    assert.deepEqual(await shown(), [
      "api_sessions 1",
      'api_sessions_total{how="opened"} 1',
      'api_session_messages_total{direction="received"} 2',
      'api_session_messages_total{direction="sent"} 3',
    ]);
    await client.close();
    await waitFor("its end", async () =>
      (await shown()).includes('api_session_ends_total{reason="client"} 1'),
    );
    assert.match(await registry.metrics(), /^api_session_ends_total\{reason="slow"\} 0$/m);
    assert.match(await registry.metrics(), /^api_sessions 0$/m);
  });

  it("tells a client whose session Redis has lost", async () => {
    const api = await start(OFTEN);
    const client = await SessionClient.open(api);
    await queue.redis.del(...(await queue.redis.keys(`{${queue.stream}}:session*`)));
    assert.deepEqual(await client.closed, [4404, "no such session: open another"]);
    const other = await SessionClient.open(api);
    await queue.redis.del(...(await queue.redis.keys(`{${queue.stream}}:session*`)));
    other.say({ type: "follow", ids: ["x"] });
    assert.equal((await other.closed)[0], 4404);
  });

  it("outlives broken requests", async () => {
    const api = await start();
    const { port, hostname } = new URL(api.base);
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET /api/session HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nauthorization: Bearer ${FIRST_KEY}\r\n\r\n`,
    );
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1\.1 400 /);
    const client = await SessionClient.open(api);
    client.ws.send(Buffer.from([1, 2, 3]));
    await client.next("error");
    assert.equal((await client.push("a")).type, "pushed");
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestQueue, withQueue } from "../../support/queue.ts";
import { waitFor } from "../../support/wait.ts";
import { makeKey, publishKinds, TestApi } from "../support.ts";
import { cutClients, SessionClient } from "./support.ts";

describe("what a session's connection leaves", () => {
  let queue: TestQueue;
  const open: TestApi[] = [];
  withQueue((made) => {
    queue = made;
  });
  beforeEach(() => publishKinds(queue));
  afterEach(async () => {
    cutClients();
    for (const api of open.splice(0)) await api.close();
  });
  const start = async () => {
    const api = await TestApi.start(queue);
    open.push(api);
    return api;
  };

  it("keeps nothing of a client that was gone before its session was there", async () => {
    const api = await start();
    const first = await SessionClient.open(api);
    await first.cut();
    const { ends } = api.parts.metrics.sessions;
    await waitFor("its end", () => ends.get("lost") === 1);
    const [opening, resuming] = [await SessionClient.connect(api), await SessionClient.connect(api)];
    const server = queue.server.process;
    server.kill("SIGSTOP");
    try {
      opening.say({ type: "open" });
      resuming.say({ type: "resume", token: first.token });
      await waitFor("the words", () => api.parts.metrics.sessions.received === 3);
      for (const client of [opening, resuming]) await client.cut();
      await waitFor("their ends", () => ends.get("lost") === 3);
    } finally {
      server.kill("SIGCONT");
    }
    const other = await SessionClient.open(api);
    await waitFor("its end", async () => {
      const { sessionsOf } = queue.keys;
      const [clients = ""] = await queue.redis.keys(`${sessionsOf}*`);
      const all = await queue.redis.zcard(clients);
      return all === 2 && (await queue.redis.zcount(clients, `${Date.now()}`, "+inf")) === 1;
    });
    assert.equal(api.parts.metrics.sessions.open, 1);
    await other.close();
  });

  it("closes the older connection of a session, at the same replica too when no word of it comes", async () => {
    const api = await start();
    const client = await SessionClient.open(api);
    await queue.server.client.call("CLIENT", "KILL", "TYPE", "pubsub");
    const next = await SessionClient.resume(api, client.token);
    assert.equal((await next.next("session")).resumed, true);
    assert.deepEqual(await client.closed, [4410, "resumed on another connection"]);
    assert.equal((await next.push("a")).type, "pushed");
    await waitFor("its end", () => api.parts.metrics.sessions.open === 1);
  });

  it("refuses a cursor that was never sent, and leaves the session with who has it", async () => {
    const api = await start();
    const client = await SessionClient.open(api);
    const next = await SessionClient.resume(api, client.token, "1");
    assert.deepEqual(await next.closed, [4404, "no such session: open another"]);
    assert.equal((await client.push("a")).type, "pushed");
    const again = await SessionClient.resume(api, client.token, "1");
    assert.equal((await again.next("session")).resumed, true);
  });

  it("closes the socket of a refused upgrade whose client never ends its side", async () => {
    const api = await start();
    const { port, hostname } = new URL(api.base);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.write("GET /api/session HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    let answer = "";
    socket.on("data", (data) => {
      answer += data;
    });
    await once(socket, "end");
    assert.match(answer, /^HTTP\/1\.1 401 /);
    const { server } = api.app;
    const connections = () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      );
    await waitFor("its end", async () => (await connections()) === 0);
    socket.destroy();
  });

  it("is logged and counted as a request when its upgrade is refused", async () => {
    const api = await start();
    const { id, key } = await makeKey(queue, ["tasks:read"]);
    for (const one of [key, "none"])
      await assert.rejects(SessionClient.connect(api, { key: one }), /Unexpected server response: 40[13]/);
    const records = api.log
      .map((line) => JSON.parse(line))
      .filter(({ message }) => message === "api_request");
    assert.deepEqual(
      records.map(({ method, route, status, key: of }) => [method, route, status, of]),
      [
        ["GET", "/api/session", 403, id],
        ["GET", "/api/session", 401, null],
      ],
    );
    for (const { request } of records) assert.match(request, /^[0-9a-f-]{36}$/);
    const counted = 'api_requests_total{route="/api/session",method="GET",status="4xx"} 2';
    assert.ok((await api.parts.metrics.text()).includes(counted));
  });
});

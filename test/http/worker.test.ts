import assert from "node:assert/strict";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { TestFleet } from "../worker/support/fleet.ts";
import { Service } from "./support.ts";

describe("http tasks of a real worker", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  let service: Service;
  let status = 200;

  before(async () => {
    server = await startRedis();
    fleet = new TestFleet(server);
    service = await new Service((_request, response) => response.writeHead(status).end("body")).start();
    await fleet
      .worker({ TASKFLEET_HTTP_ALLOW: `127.0.0.1:${service.port}`, WORKER_CONCURRENCY: "1" })
      .ready();
  });
  after(async () => {
    await fleet.close();
    await service.stop();
    await server.stop();
  });

  it("reach what the setting allows, and nothing else inside", async () => {
    const result = await fleet.result(await fleet.push("http", { url: service.url("/a") }));
    assert.deepEqual([result.status, (result.output as { body: string }).body], ["success", "body"]);
    const denied = await fleet.result(await fleet.push("http", { url: server.url.replace("redis", "http") }));
    assert.deepEqual([denied.status, denied.error?.reason], ["error", "denied"]);
    assert.equal(await fleet.stat("fail:http:denied"), "1");
  });

  it("have a circuit for each origin, which answers that are no outage leave closed", async () => {
    const push = () => fleet.push("http", { url: service.url("/b") }, { maxAttempts: 1 });
    for (status of [404, 404, 500, 500, 404, 404]) await fleet.result(await push());
    status = 429;
    for (let i = 0; i < 6; i++) await fleet.letter(await push());
    assert.equal(
      await fleet.queue.redis.exists(`${fleet.queue.keys.circuits}${new URL(service.url()).origin}`),
      0,
    );
    status = 503;
    for (let i = 0; i < 5; i++) await fleet.letter(await push());
    const requests = service.requests.length;
    const { errors } = await fleet.letter(await push());
    assert.deepEqual(
      errors.map(({ message, reason }) => [message, reason]),
      [["Circuit breaker open - service unavailable", "circuit"]],
    );
    assert.equal(service.requests.length, requests);
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import flaky from "../../examples/handlers/flaky.ts";
import sleep from "../../examples/handlers/sleep.ts";
import wordCount from "../../examples/handlers/word-count.ts";
import {
  type Client,
  createClient,
  RedisUnavailableError,
  TaskRefusedError,
} from "../../worker/src/client.ts";
import { defineHandler, Type } from "../../worker/src/handler.ts";
import { TestFleet } from "./fleet.ts";
import { cleanEnv, finished } from "./support.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/push-from-app/main.ts", import.meta.url));

describe("the client", function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let client: Client;

  before(async () => {
    fleet = await TestFleet.start();
    await fleet.startSpawner();
    await fleet.startWorker("worker-a");
    client = createClient({ redisUrl: fleet.redis.url });
  });
  after(async () => {
    await client.close();
    await fleet.stop();
  });

  it("pushes a typed payload and waits for the output", async () => {
    const { id, state } = await client.push(wordCount, { text: "one two" });
    assert.equal(state, "waiting");
    const outcome = await client.wait(id);
    assert.deepEqual(outcome.state === "settled" ? outcome.result.output : outcome, {
      lines: 1,
      words: 2,
      characters: 7,
    });
    assert.deepEqual(await client.result(id), outcome);
  });

  it("is typed by the handler's schema", () => {
    // @ts-expect-error the payload has no such field
    void (() => client.push(wordCount, { txt: "one two" }));
    // @ts-expect-error the payload is not a text
    void (() => client.push(flaky, "twice"));
    void (() =>
      client.pushMany([
        { handler: flaky, payload: { failures: 1 } },
        // @ts-expect-error the second task's payload has no such field
        { handler: wordCount, payload: { wrong: 1 } },
      ]));
    const texts: readonly string[] = ["one"];
    void (() => client.pushMany(texts.map((text) => ({ handler: wordCount, payload: { text } }))));
    // @ts-expect-error the payloads of a list are typed too
    void (() => client.pushMany(texts.map((text) => ({ handler: wordCount, payload: { txt: text } }))));
  });

  it("pushes many, waits for all, and tells dead letters from results", async () => {
    const pushed = await client.pushMany([
      { handler: wordCount, payload: { text: "" }, id: "many-1" },
      { handler: flaky, payload: { failures: 9 }, id: "many-2", maxAttempts: 1 },
      { handler: wordCount, payload: { text: "" }, id: "many-1" },
    ]);
    assert.deepEqual(
      pushed.map(({ id, state }) => [id, state]),
      [
        ["many-1", "waiting"],
        ["many-2", "waiting"],
        ["many-1", "duplicate"],
      ],
    );
    const outcomes = await client.waitAll(["many-1", "many-2"]);
    assert.deepEqual([outcomes.get("many-1")?.state, outcomes.get("many-2")?.state], ["settled", "dead"]);
  });

  it("refuses what the command line refuses, and pushes none of a refused batch", async () => {
    const length = () => fleet.redis.client.hget("{peagen.tasks}:stats", "enqueued:word-count");
    const before = await length();
    const payload = { text: `AKIA${"C3".repeat(8)}` };
    await assert.rejects(
      client.pushMany([
        { handler: wordCount, payload: { text: "" } },
        { handler: wordCount, payload },
      ]),
      {
        name: "SecretInPayloadError",
        field: "payload.text",
      },
    );
    assert.equal(await length(), before);
  });

  it("takes a kind as soon as the fleet publishes it", async () => {
    const fresh = defineHandler({
      kind: "fresh",
      version: "1",
      description: "new",
      payload: Type.Object({}),
      run: async () => 1,
    });
    await assert.rejects(
      client.push(fresh, {}),
      (error) => error instanceof TaskRefusedError && error.field === "kind",
    );
    const published = { kind: "fresh", version: "1", description: "new", payload: fresh.payload };
    await fleet.redis.client.hset("{peagen.tasks}:kinds", "fresh", JSON.stringify(published));
    assert.equal((await client.push(fresh, {}, { delayMs: 3_600_000 })).state, "delayed");
  });

  it("cancels, and ends a wait by a signal", async () => {
    const { id } = await client.push(sleep, { ms: 1 }, { delayMs: 3_600_000 });
    const ending = new AbortController();
    const wait = client.wait(id, { signal: ending.signal });
    ending.abort();
    assert.deepEqual(await wait, { state: "open" });
    assert.deepEqual(await client.cancel([id, "nobody"]), ["cancelled", "unknown"]);
  });

  it("takes an option that is undefined for one that is left out", async () => {
    const plain = createClient({ redisUrl: fleet.redis.url, stream: undefined, maxPayloadBytes: undefined });
    const { id } = await plain.push(wordCount, { text: "" });
    assert.equal((await plain.wait(id)).state, "settled");
    await plain.close();
  });

  it("refuses options by their own names, all at once", () => {
    const options = { redisUrl: "localhost:6379", stream: "a b", maxPayloadBytes: 1, resultTtlSeconds: 0.5 };
    assert.throws(() => createClient(options), {
      name: "ClientOptionsError",
      message:
        "createClient: 4 options cannot be used\n" +
        "  redisUrl: an address such as redis://host:6379 or rediss://host:6379, not the given one; a password in it must be percent-encoded\n" +
        '  stream: 1 to 200 characters of A-Z a-z 0-9 . _ : -, not "a b"\n' +
        "  maxPayloadBytes: a whole number from 1024 to 134217728, not 1\n" +
        "  resultTtlSeconds: a whole number from 1 to 31536000, not 0.5",
    });
    const half = ["redis://:50%", "off@localhost"].join("");
    assert.throws(() => createClient({ redisUrl: half }), /redisUrl: an address such as/);
  });

  it("fails with the address when Redis is down", async () => {
    const lost = createClient({ redisUrl: "redis://127.0.0.1:1" });
    await assert.rejects(lost.push(wordCount, { text: "" }), (error) => {
      assert.ok(error instanceof RedisUnavailableError);
      assert.equal(error.address, "127.0.0.1:1");
      return true;
    });
    await lost.close();
  });

  it("the example runs as written", async () => {
    const child = spawn(process.execPath, [EXAMPLE], {
      env: cleanEnv(fleet.env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { code, out, err } = await finished(child);
    assert.deepEqual([code, err], [0, ""]);
    assert.equal(
      out,
      "words: { lines: 1, words: 6, characters: 18 }\npushed: waiting then duplicate\nsucceeded in run 3\n",
    );
  });
});

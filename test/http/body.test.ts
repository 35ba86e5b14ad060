import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { waitFor } from "../support/wait.ts";
import { failure, refusal, Service, send } from "./support.ts";

const TEXT = "round and round ".repeat(100);
const ENCODED: Readonly<Record<string, Buffer>> = {
  gzip: gzipSync(TEXT),
  "x-gzip": gzipSync(TEXT),
  deflate: deflateSync(TEXT),
  br: brotliCompressSync(TEXT),
  zstd: zstdCompressSync(TEXT),
  unknown: Buffer.from("as it is"),
  constructor: Buffer.from("as it is"),
};
/** Those that are no encoding. */
const PLAIN = ["unknown", "constructor"];

describe("the body of an http response", () => {
  let service: Service;
  let answer: RequestListener;
  const task = () => ({ url: service.url() });
  const allowed = () => ({ allow: [`127.0.0.1:${service.port}`] });
  before(async () => {
    service = await new Service((request, response) => answer(request, response)).start();
  });
  after(() => service.stop());

  for (const [encoding, bytes] of Object.entries(ENCODED))
    it(`is decoded from ${encoding}`, async () => {
      answer = (_request, response) => response.writeHead(200, { "content-encoding": encoding }).end(bytes);
      const { body } = await send(task(), allowed());
      assert.equal(body, PLAIN.includes(encoding) ? "as it is" : TEXT);
    });

  it("may be missing although it has an encoding", async () => {
    for (const encoding of Object.keys(ENCODED)) {
      answer = (request, response) =>
        response.writeHead(request.method === "GET" ? 204 : 200, { "content-encoding": encoding }).end();
      for (const method of ["HEAD", "GET", "POST"] as const)
        assert.equal((await send({ ...task(), method }, allowed())).body, "", `${method} ${encoding}`);
    }
  });

  for (const [encoding, bytes] of Object.entries(ENCODED).filter(([name]) => !PLAIN.includes(name)))
    it(`that is damaged or cut has the task run again (${encoding})`, async () => {
      for (const broken of [bytes.subarray(0, -6), Buffer.from("not encoded at all")]) {
        answer = (_request, response) =>
          response.writeHead(200, { "content-encoding": encoding }).end(broken);
        assert.equal((await failure(task(), allowed())).reason, undefined);
      }
    });

  it("is kept up to its cap and not a byte more", async () => {
    answer = (_request, response) => response.end("12345");
    const whole = await send({ ...task(), maxResponseBytes: 5 }, allowed());
    assert.deepEqual([whole.body, whole.truncated], ["12345", false]);
    const { reason, message, output } = await refusal({ ...task(), maxResponseBytes: 4 }, allowed());
    assert.deepEqual(
      [reason, message, output.body, output.truncated],
      ["output", "http: the body is longer than maxResponseBytes", "1234", true],
    );
  });

  it("without an end is cut at its cap, and its connection closed", async () => {
    answer = (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, "x")));
      };
      response.on("drain", more);
      more();
    };
    const { reason, output } = await refusal(task(), allowed());
    assert.deepEqual([reason, output.body.length], ["output", 1_048_576]);
    await waitFor("the connection's end", () => service.connections === 0);
  });

  it("counts as it is after decoding: a bomb is cut while it unfolds", async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
    assert.ok(bomb.length < 150_000);
    answer = (_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    const { reason, output } = await refusal({ ...task(), maxResponseBytes: 1_000 }, allowed());
    assert.deepEqual([reason, output.truncated, output.body], ["output", true, "\0".repeat(1_000)]);
  });

  it("is not reached when the headers are too large", async () => {
    answer = (_request, response) => response.writeHead(200, { "x-large": "x".repeat(20_000) }).end();
    const { reason, message } = await refusal(task(), allowed());
    assert.deepEqual(
      [reason, message],
      ["output", "http: the response has more than 16384 bytes of headers"],
    );
  });
});

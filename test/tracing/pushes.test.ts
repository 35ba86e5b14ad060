import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { context, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { createClient } from "../../worker/src/client.ts";
import { defineHandler, Type } from "../../worker/src/handler.ts";
import { ActiveContext } from "../../worker/src/tracing/active-context.ts";
import { SessionClient } from "../api/sessions/support.ts";
import { type TestQueue, withQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { Collector } from "./support/collector.ts";

const MAIN = join(import.meta.dirname, "../../worker/src/main.ts");
const KEY = "the-first-key-of-the-tests";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const HEADERS = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "vendor=1" };
const OTHER = "4bf92f3577b34da6a3ce929d0e0e4736";

const handler = defineHandler({
  kind: "k",
  version: "1",
  description: "",
  payload: Type.Object({}),
  run: async () => null,
});

describe("a traced push", function () {
  this.timeout(60_000);
  let queue: TestQueue;
  withQueue((made) => {
    queue = made;
  });
  beforeEach(() =>
    queue.keeper.publishKinds([{ kind: "k", version: "1", description: "", payload: { type: "object" } }]),
  );

  /** Options of the waiting tasks. */
  const options = async () =>
    (await queue.consumer("w").read(10, 20)).map(({ id, options: own }) => ({ id, ...own }));

  describe("over the API", () => {
    let collector: Collector;
    let api: ChildProcess;
    let output: string;
    let base: string;
    beforeEach(async () => {
      collector = await Collector.start();
      output = "";
    });
    afterEach(async () => {
      if (api.exitCode === null) api.kill("SIGKILL");
      await collector.stop();
    });

    async function start(more: Readonly<Record<string, string>>): Promise<void> {
      api = spawn(process.execPath, [MAIN, "api"], {
        env: {
          ...{ PATH: process.env.PATH, REDIS_URL: queue.server.url, TASKFLEET_QUEUE_NAME: queue.stream },
          ...{ TASKFLEET_API_KEY: KEY, TASKFLEET_API_PORT: "0", ...more },
        },
        stdio: ["ignore", "pipe", "inherit"],
      });
      api.stdout?.on("data", (chunk: Buffer) => {
        output += chunk;
      });
      base = await waitFor("the API", () => /"address":"(http:[^"]+)"/.exec(output)?.[1]);
    }
    async function stop(): Promise<void> {
      const ended = once(api, "exit");
      api.kill("SIGTERM");
      assert.deepEqual(await ended, [0, null]);
    }
    const push = async (body: object, headers: Readonly<Record<string, string>> = HEADERS) => {
      const answer = await fetch(`${base}/api/tasks`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      return answer.status;
    };

    it("continues the caller's trace over the request to the task, and says so in the log", async () => {
      await start({ TASKFLEET_TRACING: "on", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      assert.equal(await push({ kind: "k", id: "a" }), 202);
      assert.equal(
        await push({
          tasks: [
            { kind: "k", id: "b" },
            { kind: "k", id: "c" },
            { kind: "k", id: "own", traceparent: `00-${OTHER}-${PARENT}-01` },
          ],
        }),
        202,
      );
      assert.equal(await push({ kind: "k", traceparent: "00-nothing" }), 400);
      await stop();
      const [one, batch] = collector.named("POST /api/tasks");
      const sent = collector.named(`send ${queue.stream}`);
      const [single] = sent;
      const [many, own] = [TRACE, OTHER].map((id) => sent.slice(1).find(({ traceId }) => traceId === id));
      assert.ok(one && batch && single && many && own);
      assert.deepEqual([one.traceId, one.parentId, one.kind], [TRACE, PARENT, "server"]);
      assert.deepEqual([single.parentId, many.parentId, own.parentId], [one.spanId, batch.spanId, PARENT]);
      assert.deepEqual(one.attributes, {
        "http.request.method": "POST",
        "http.route": "/api/tasks",
        "http.response.status_code": 202,
        "url.path": "/api/tasks",
      });
      assert.equal(many.attributes["messaging.batch.message_count"], 2);
      assert.equal(collector.named("POST /api/tasks")[2]?.attributes["http.response.status_code"], 400);
      const carried = (id: string, span: { traceId: string; spanId: string }, state = "vendor=1") => ({
        id,
        traceparent: `00-${span.traceId}-${span.spanId}-01`,
        ...(state === "" ? {} : { tracestate: state }),
      });
      assert.deepEqual(await options(), [
        carried("a", single),
        ...[carried("b", many), carried("c", many), carried("own", own, "")],
      ]);
      const records = output
        .split("\n")
        .filter((line) => line.includes('"route":"/api/tasks"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual([records[0]?.trace_id, records[0]?.span_id], [TRACE, one.spanId]);
    });

    it("in a session continues the trace of the request that it came with", async () => {
      await start({ TASKFLEET_TRACING: "on", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      const client = await SessionClient.open({ base }, { key: KEY, options: { headers: HEADERS } });
      assert.equal((await client.push("a", { kind: "k", id: "a" })).state, "waiting");
      const own = { kind: "k", id: "own", traceparent: `00-${OTHER}-${PARENT}-01` };
      assert.equal((await client.push("b", own)).state, "waiting");
      await client.close();
      await stop();
      const [sent, other] = collector.named(`send ${queue.stream}`);
      assert.ok(sent && other);
      assert.deepEqual([sent.traceId, sent.parentId, other.traceId], [TRACE, PARENT, OTHER]);
      assert.deepEqual(await options(), [
        { id: "a", traceparent: `00-${TRACE}-${sent.spanId}-01`, tracestate: "vendor=1" },
        { id: "own", traceparent: `00-${OTHER}-${other.spanId}-01` },
      ]);
    });

    it("carries what a task names itself, and no header, where tracing is off", async () => {
      await start({});
      await push({ kind: "k", id: "a" });
      await push({ kind: "k", id: "b", traceparent: HEADERS.traceparent });
      assert.deepEqual(await options(), [{ id: "a" }, { id: "b", traceparent: HEADERS.traceparent }]);
      await stop();
    });
  });

  describe("of an application", () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    before(() => {
      context.setGlobalContextManager(new ActiveContext());
      trace.setGlobalTracerProvider(provider);
    });
    after(() => {
      trace.disable();
      context.disable();
    });
    beforeEach(() => exporter.reset());

    const client = (tracing: boolean) =>
      createClient({ redisUrl: queue.server.url, stream: queue.stream, tracing });

    it("is a span below the application's own, whose context the tasks carry", async () => {
      const traced = client(true);
      await trace.getTracer("app").startActiveSpan("order", async (span) => {
        await traced.push(handler, {}, { id: "a" });
        span.end();
      });
      await traced.close();
      const [sent, order] = exporter.getFinishedSpans();
      const { traceId, spanId } = sent?.spanContext() ?? assert.fail("no span");
      assert.deepEqual([sent?.name, order?.name], [`send ${queue.stream}`, "order"]);
      assert.equal(sent?.parentSpanContext?.spanId, order?.spanContext().spanId);
      assert.deepEqual(await options(), [{ id: "a", traceparent: `00-${traceId}-${spanId}-01` }]);
    });

    it("that is refused before it is sent is no span", async () => {
      const traced = client(true);
      await assert.rejects(traced.push(handler, {}, { id: "x y" }), /id: "x y" is no id/);
      await traced.close();
      assert.deepEqual(exporter.getFinishedSpans(), []);
    });

    it("is none without being asked for, and the entry is as it was", async () => {
      const plain = client(false);
      await plain.push(handler, {}, { id: "a" });
      await plain.close();
      assert.deepEqual(exporter.getFinishedSpans(), []);
      const [entry] = await queue.redis.xrange(queue.stream, "-", "+");
      assert.deepEqual(entry?.[1], ["taskfleet", "a k {}"]);
    });
  });
});

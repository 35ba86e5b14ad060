import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "../worker/support/fleet.ts";
import type { WorkerProcess } from "../worker/support/worker-process.ts";
import { type CollectedSpan, Collector } from "./support/collector.ts";

const MAIN = join(import.meta.dirname, "../../worker/src/main.ts");
const HANDLERS = join(import.meta.dirname, "fixtures/handlers");
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };

describe("a trace", function () {
  this.timeout(60_000);
  let server: TestRedis;
  let fleet: TestFleet;
  let collector: Collector;
  let folder: string;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());
  beforeEach(async () => {
    fleet = new TestFleet(server);
    collector = await Collector.start();
    folder = mkdtempSync(join(tmpdir(), "taskfleet-trace-"));
  });
  afterEach(async () => {
    await fleet.close();
    await collector.stop();
    rmSync(folder, { recursive: true });
  });

  const worker = (more: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> =>
    fleet
      .worker({
        ...{ TASKFLEET_TRACING: "on", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
        ...{ TASKFLEET_HANDLERS: HANDLERS, ...more },
      })
      .ready();
  /** Name of attempts' spans. */
  const attempts = () => `process ${fleet.queue.stream}`;

  /** `push second-time` of the command line, traced. */
  async function pushByCommand(): Promise<void> {
    await fleet.queue.keeper.publishKinds([
      { kind: "second-time", version: "1", description: "", payload: { type: "object" } },
    ]);
    const push = spawn(process.execPath, [MAIN, "push", "second-time", "--id", "t"], {
      env: {
        ...{ PATH: process.env.PATH, REDIS_URL: server.url, TASKFLEET_QUEUE_NAME: fleet.queue.stream },
        ...{ TASKFLEET_TRACING: "1", OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` },
        TRACEPARENT: PARENT.traceparent,
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    assert.deepEqual(await once(push, "exit"), [0, null]);
    await fleet.result("t");
  }

  describe("of a task that fails once", () => {
    let running: WorkerProcess;
    let [sent, first, second, retried, settled] = [] as unknown as readonly [
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
    ];
    beforeEach(async () => {
      running = await worker();
      await pushByCommand();
      const { stream } = fleet.queue;
      [sent] = await collector.got(`send ${stream}`);
      [first, second] = (await collector.got(attempts(), 2)) as unknown as [CollectedSpan, CollectedSpan];
      [retried] = await collector.got(`retry ${stream}`);
      [settled] = await collector.got(`settle ${stream}`);
    });

    it("goes from the command line's push over the retry to the result, as one tree", async () => {
      const [looked, lookedAgain] = (await collector.got("look up", 2)) as unknown as [
        CollectedSpan,
        CollectedSpan,
      ];
      assert.deepEqual([...new Set(collector.spans.map(({ traceId }) => traceId))], [TRACE]);
      assert.equal(collector.spans.length, 7);
      const parents = [sent, first, second, retried, settled, looked, lookedAgain].map(
        (span) => span.parentId,
      );
      assert.deepEqual(parents, [
        ...["b7ad6b7169203331", sent.spanId, sent.spanId],
        ...[first.spanId, second.spanId, first.spanId, second.spanId],
      ]);
      assert.deepEqual(
        [sent.kind, first.kind, retried.kind, settled.kind, looked.kind],
        ["producer", "consumer", "client", "client", "internal"],
      );
      assert.deepEqual(second.links, [
        { traceId: TRACE, spanId: first.spanId, attributes: { "taskfleet.link": "retry" } },
      ]);
      assert.deepEqual(first.links, []);
    });

    it("says in the conventions' terms what happened", () => {
      const { stream } = fleet.queue;
      const common = {
        "messaging.system": "redis_streams",
        "messaging.destination.name": stream,
        "messaging.message.id": "t",
        "taskfleet.task.kind": "second-time",
      };
      const operation = (type: string, name: string) => ({
        "messaging.operation.name": name,
        "messaging.operation.type": type,
      });
      const attempt = (number: number) => ({
        ...common,
        "messaging.consumer.group.name": "workers",
        "taskfleet.task.redeliveries": 0,
        "taskfleet.task.priority": "normal",
        "taskfleet.task.attempt": number,
      });
      const failed = {
        "taskfleet.task.outcome": "retry",
        "taskfleet.task.delay_ms": 0,
        "error.type": "handler",
      };
      assert.deepEqual(sent.attributes, { ...common, ...operation("send", "send") });
      assert.deepEqual(first.attributes, { ...attempt(1), ...operation("process", "process"), ...failed });
      const succeeded = { "taskfleet.task.outcome": "success" };
      assert.deepEqual(second.attributes, {
        ...attempt(2),
        ...operation("process", "process"),
        ...succeeded,
      });
      assert.deepEqual(retried.attributes, { ...attempt(1), ...operation("settle", "retry") });
      assert.deepEqual(settled.attributes, { ...attempt(2), ...operation("settle", "settle") });
      assert.deepEqual([first.status, first.message], ["error", "RangeError: not yet"]);
      assert.deepEqual([second.status, settled.status, sent.status], ["unset", "unset", "unset"]);
      const [exception] = first.events;
      assert.deepEqual(
        [first.events.length, exception?.name, exception?.attributes["exception.type"]],
        [1, "exception", "RangeError"],
      );
      assert.match(String(exception?.attributes["exception.stacktrace"]), /^RangeError: not yet\n {4}at /);
      const services = [sent, first].map(({ resource }) => resource["service.name"]);
      assert.deepEqual(services, ["taskfleet-cli", "taskfleet-worker"]);
      assert.equal(first.resource["service.instance.id"], running.id);
      assert.equal(first.resource["service.version"], "bundle:sha256:test");
      assert.deepEqual([...new Set(collector.paths)], ["/v1/traces"]);
    });

    it("has its ids in what the log says of its attempts, and the handler has them too", () => {
      const idsOf = (message: string) =>
        running.of(message).map(({ trace_id, span_id }) => [trace_id, span_id]);
      const both = [first, second].map(({ spanId }) => [TRACE, spanId]);
      assert.deepEqual(idsOf("run_dispatched"), both);
      assert.deepEqual(idsOf("trying"), both);
      assert.deepEqual(idsOf("run_failed"), both.slice(0, 1));
      const traceparents = [first, second].map(({ spanId }) => `00-${TRACE}-${spanId}-01`);
      assert.deepEqual(
        running.of("trying").map(({ given, injected }) => ({ given, injected })),
        traceparents.map((traceparent) => ({ given: traceparent, injected: { traceparent } })),
      );
      assert.equal(running.of("worker_pool_poll")[0]?.trace_id, undefined);
    });
  });

  it("goes on when a worker is killed, and the next attempt is linked to the lost one", async () => {
    const file = join(folder, "marker");
    const first = await worker();
    await fleet.push("hangs-once", { file }, { id: "t", ...PARENT });
    const hanging = await first.logged("hanging");
    first.signal("SIGKILL");
    await first.ended();
    await fleet.queue.keeper.reclaim({ leaseMs: 0, maxDeliveries: 5 });
    await worker();
    assert.equal((await fleet.result("t")).output, "again");
    const [again] = await collector.got(attempts());
    assert.deepEqual(
      [again.traceId, again.parentId, again.attributes["taskfleet.task.redeliveries"]],
      [TRACE, "b7ad6b7169203331", 1],
    );
    assert.equal(hanging.trace_id, TRACE);
    assert.deepEqual(again.links, [
      { traceId: TRACE, spanId: hanging.span_id, attributes: { "taskfleet.link": "redelivery" } },
    ]);
    assert.notEqual(again.spanId, hanging.span_id);
  });

  it("is one for all attempts of a task whose push was not traced", async () => {
    await worker();
    const id = await fleet.push("second-time");
    await fleet.result(id);
    const spans = await collector.got(attempts(), 2);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    assert.deepEqual(
      spans.map(({ parentId }) => parentId),
      ["", ""],
    );
  });

  it("reaches threads, programs and services that http calls", async () => {
    const asked: IncomingHttpHeaders[] = [];
    const service = createServer((request, response) => {
      asked.push(request.headers);
      response.end("hello");
    }).listen(0, "127.0.0.1");
    await once(service, "listening");
    const at = `127.0.0.1:${(service.address() as AddressInfo).port}`;
    await worker({ TASKFLEET_HTTP_ALLOW: at });
    const ids = [
      await fleet.push("in-thread", {}, { ...PARENT, id: "thread" }),
      await fleet.push(
        "execute",
        { command: ["sh", "-c", 'echo "$TRACEPARENT"'] },
        { ...PARENT, id: "program" },
      ),
      await fleet.push("http", { url: `http://${at}/` }, { ...PARENT, id: "service" }),
    ];
    const [thread, program] = await Promise.all(ids.map((id) => fleet.result(id)));
    service.closeAllConnections();
    service.close();
    const spans = await collector.got(attempts(), 3);
    const expected = (id: string) => {
      const span = spans.find(({ attributes }) => attributes["messaging.message.id"] === id);
      return `00-${TRACE}-${span?.spanId}-01`;
    };
    assert.deepEqual(thread?.output, { traceparent: expected("thread") });
    assert.equal((program as { output: { stdout: string } }).output.stdout, `${expected("program")}\n`);
    assert.equal(asked[0]?.traceparent, expected("service"));
  });

  it("has an attempt's span for tasks that never reach a handler", async () => {
    await worker();
    await fleet.push("in-thread", "no object", { id: "refused", ...PARENT });
    await fleet.push("nobody-runs", {}, { id: "unknown", maxAttempts: 1, ...PARENT });
    await fleet.result("refused");
    await fleet.letter("unknown");
    const spans = await collector.got(attempts(), 2);
    const shown = spans.map(({ attributes, status }) => [
      attributes["messaging.message.id"],
      ...[attributes["taskfleet.task.outcome"], attributes["error.type"], status],
    ]);
    assert.deepEqual(shown.toSorted(), [
      ["refused", "error", "payload", "error"],
      ["unknown", "dead", "kind", "error"],
    ]);
  });

  it("that is not sampled sends nothing, and keeps its ids in the log", async () => {
    const running = await worker();
    const unsampled = { traceparent: PARENT.traceparent.replace(/1$/, "0") };
    await fleet.result(await fleet.push("second-time", {}, { id: "t", ...unsampled }));
    const [record] = running.of("trying");
    assert.equal(record?.trace_id, TRACE);
    assert.equal(record?.given, `00-${TRACE}-${record?.span_id}-00`);
    running.signal("SIGTERM");
    assert.equal(await running.ended(), 0);
    assert.deepEqual(collector.spans, []);
  });

  it("is made of so many tasks as TASKFLEET_TRACING_SAMPLE says", async () => {
    const running = await worker({ TASKFLEET_TRACING_SAMPLE: "0" });
    await fleet.result(await fleet.push("second-time"));
    await fleet.result(await fleet.push("second-time", {}, PARENT));
    await waitFor("the sampled one", () => collector.named(attempts()).length === 2);
    running.signal("SIGTERM");
    assert.equal(await running.ended(), 0);
    assert.deepEqual([...new Set(collector.spans.map(({ traceId }) => traceId))], [TRACE]);
  });

  it("is sent with the headers of OTEL_EXPORTER_OTLP_HEADERS, under the name of OTEL_SERVICE_NAME", async () => {
    await worker({ OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%2Cb,x-other=2", OTEL_SERVICE_NAME: "ours" });
    await fleet.result(await fleet.push("execute", { command: ["true"] }));
    const [span] = await collector.got(attempts());
    assert.equal(span.resource["service.name"], "ours");
    assert.deepEqual([collector.headers[0]?.["x-key"], collector.headers[0]?.["x-other"]], ["a,b", "2"]);
  });
});

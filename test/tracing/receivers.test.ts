import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "../worker/support/fleet.ts";
import type { WorkerProcess } from "../worker/support/worker-process.ts";
import { Collector } from "./support/collector.ts";
import { startIngestion } from "./support/ingestion.ts";

const SECRETS = join(import.meta.dirname, "../secrets/fixtures/handlers");
const HANDLERS = join(import.meta.dirname, "fixtures/handlers");
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
/** A port where nobody listens. */
const NOBODY = "http://127.0.0.1:9";

describe("receivers of spans", function () {
  this.timeout(60_000);
  let server: TestRedis;
  let fleet: TestFleet;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());
  beforeEach(() => {
    fleet = new TestFleet(server);
  });
  afterEach(() => fleet.close());

  const worker = (more: Readonly<Record<string, string>>, role: "worker" | "supervise" = "worker") =>
    fleet.worker({ TASKFLEET_HANDLERS: HANDLERS, ...more }, role);
  const metric = async (running: WorkerProcess) => {
    const reports = await fleet.queue.workers.list();
    const { address = "" } = reports.find(({ worker_id }) => worker_id === running.id) ?? {};
    const text = await (await fetch(`${address}/metrics`)).text();
    return Number(/^trace_spans_dropped_total (\d+)$/m.exec(text)?.[1]);
  };
  const push = () => fleet.push("execute", { command: ["true"] }, PARENT);

  for (const [what, status] of [
    ["do not answer", null],
    ["refuse", 400],
  ] as const) {
    it(`that ${what} stop no task; what they did not take is counted and logged`, async () => {
      const collector = await Collector.start({ status: () => status ?? 200 });
      const endpoint = status === null ? NOBODY : collector.url;
      const running = await worker({
        TASKFLEET_TRACING: "on",
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      }).ready();
      const ids = await Promise.all(Array.from({ length: 20 }, push));
      for (const id of ids) assert.equal((await fleet.result(id)).status, "success");
      // A span of the attempt, and one of what was written.
      await waitFor("40 dropped spans", async () => (await metric(running)) === 40);
      running.signal("SIGTERM");
      assert.equal(await running.ended(), 0);
      const logged = running.of("trace_spans_dropped");
      assert.equal(logged[0]?.receiver, "otlp");
      assert.equal(
        logged.reduce((sum, { spans }) => sum + Number(spans), 0),
        40,
      );
      assert.deepEqual(collector.spans, []);
      await collector.stop();
    });
  }

  it("get what is left when the worker ends", async () => {
    const collector = await Collector.start();
    const running = await worker({
      TASKFLEET_TRACING: "on",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    }).ready();
    await fleet.result(await push());
    running.signal("SIGTERM");
    assert.equal(await running.ended(), 0);
    const { stream } = fleet.queue;
    assert.deepEqual(collector.spans.map(({ name }) => name).toSorted(), [
      `process ${stream}`,
      `settle ${stream}`,
    ]);
    await collector.stop();
  });

  it("get no secret, whatever a handler lets slip out", async () => {
    const canaries = {
      OPENAI_API_KEY: 'sk-canary/one"+=',
      REDIS_PASSWORD_CANARY: "not-a-secret-name",
      AWS_SECRET_ACCESS_KEY: "aws+canary/two",
      VAULT_TOKEN: "hvs.canary-three",
      TASKFLEET_API_KEY: "tfk_canary_four",
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=canary-five",
    };
    const collector = await Collector.start();
    const running = await worker({
      ...{ TASKFLEET_TRACING: "on", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
      ...{ TASKFLEET_HANDLERS: SECRETS, ...canaries },
    }).ready();
    const thrown = await fleet.push("leaks", { way: "throw" }, { maxAttempts: 1 });
    await fleet.letter(thrown);
    await fleet.result(await fleet.push("leaks", { way: "permanent" }));
    await fleet.result(await fleet.push("leaks", { way: "return" }));
    running.signal("SIGTERM");
    assert.equal(await running.ended(), 0);
    // What is looked for is there, blackened.
    const [first] = collector.named(`process ${fleet.queue.stream}`);
    const shown = "no [redacted] and not-a-secret-name and [redacted] and [redacted] and [redacted]";
    assert.equal(first?.message, shown);
    assert.equal(first?.events[0]?.attributes["exception.message"], shown);
    assert.match(String(first?.events[0]?.attributes["exception.stacktrace"]), /caused by: .*\[redacted\]/s);
    assert.equal(collector.spans.length, 6);
    for (const body of collector.bodies) assert.doesNotMatch(body.toString("latin1"), /canary/i);
    assert.equal(collector.headers[0]?.["x-key"], "canary-five");
    assert.doesNotMatch(running.output, /canary-/);
    await collector.stop();
  });

  describe("at Azure Monitor", () => {
    const KEY = "11111111-2222-3333-4444-555555555555";

    it("are found by the connection string alone, and get requests, dependencies and exceptions", async () => {
      const ingestion = await startIngestion();
      const text = `InstrumentationKey=${KEY};IngestionEndpoint=${ingestion.url}/`;
      const folder = mkdtempSync(join(tmpdir(), "taskfleet-azure-"));
      const trusted = join(folder, "ca.pem");
      writeFileSync(trusted, ingestion.certificate);
      const settings = { APPLICATIONINSIGHTS_CONNECTION_STRING: text, NODE_EXTRA_CA_CERTS: trusted };
      const running = await worker(settings).ready();
      assert.deepEqual((await running.logged("tracing_on")).receivers, ["azure_monitor"]);
      const id = await fleet.push("second-time", {}, PARENT);
      await fleet.result(id);
      running.signal("SIGTERM");
      assert.equal(await running.ended(), 0);
      const { stream } = fleet.queue;
      const of = (type: string) => ingestion.envelopes.filter(({ data }) => data.baseType === type);
      assert.deepEqual([...new Set(ingestion.paths)], ["/v2.1/track"]);
      assert.deepEqual([...new Set(ingestion.envelopes.map(({ iKey }) => iKey))], [KEY]);
      const spans = ingestion.envelopes.filter(({ data }) => data.baseType !== "MetricData");
      assert.deepEqual([...new Set(spans.map(({ tags }) => tags["ai.operation.id"]))], [TRACE]);
      const requests = of("RequestData").map(({ data, tags }) => [
        ...[tags["ai.operation.name"], data.baseData.success, tags["ai.operation.parentId"]],
        tags["ai.cloud.role"],
      ]);
      const common = ["b7ad6b7169203331", "taskfleet-worker"];
      assert.deepEqual(requests, [
        [`process ${stream}`, false, ...common],
        [`process ${stream}`, true, ...common],
      ]);
      const [failed, succeeded] = of("RequestData").map(({ data }) => String(data.baseData.id));
      const below = of("RemoteDependencyData").map(({ data, tags }) => [
        data.baseData.name,
        tags["ai.operation.parentId"],
      ]);
      assert.deepEqual(
        below.toSorted(),
        [
          ["look up", failed],
          ["look up", succeeded],
          [`retry ${stream}`, failed],
          [`settle ${stream}`, succeeded],
        ].toSorted(),
      );
      const [exception] = of("ExceptionData");
      assert.match(JSON.stringify(exception?.data.baseData), /"typeName":"RangeError","message":"not yet"/);
      assert.doesNotMatch(running.output, new RegExp(KEY));
      await ingestion.stop();
      rmSync(folder, { recursive: true });
    });

    it("are beside a collector that is named, and reach a confined worker without standing in its environment", async () => {
      const ingestion = await startIngestion();
      const collector = await Collector.start();
      const text = `InstrumentationKey=${KEY};IngestionEndpoint=${ingestion.url}/`;
      const settings = {
        ...{ TASKFLEET_CONFINE: "on", TASKFLEET_CPU: "2", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
        ...{ APPLICATIONINSIGHTS_CONNECTION_STRING: text, OTEL_EXPORTER_OTLP_HEADERS: "x-key=canary-five" },
        // A confined worker does not see the test's temporary files.
        NODE_TLS_REJECT_UNAUTHORIZED: "0",
      };
      const running = await worker(settings, "supervise").ready();
      assert.deepEqual((await running.logged("tracing_on")).receivers, ["otlp", "azure_monitor"]);
      const shows = { command: ["sh", "-c", "cat /proc/$PPID/environ; env"] };
      const shown = await fleet.result(await fleet.push("execute", shows, PARENT));
      assert.doesNotMatch(JSON.stringify(shown.output), /InstrumentationKey|canary-five|\[redacted\]/);
      running.signal("SIGTERM");
      assert.equal(await running.ended(), 0);
      const [span] = collector.named(`process ${fleet.queue.stream}`);
      assert.equal(collector.headers[0]?.["x-key"], "canary-five");
      const ids = ingestion.envelopes.flatMap(({ data }) =>
        data.baseType === "RequestData" ? [data.baseData.id] : [],
      );
      assert.deepEqual(ids, [span?.spanId]);
      await Promise.all([ingestion.stop(), collector.stop()]);
    });

    it("are refused by a connection string that is none, without showing it", async () => {
      const running = worker({ APPLICATIONINSIGHTS_CONNECTION_STRING: "InstrumentationKey=hello-there" });
      assert.equal(await running.ended(), 2);
      assert.match(running.output, /APPLICATIONINSIGHTS_CONNECTION_STRING.*not shown/s);
      assert.doesNotMatch(running.output, /hello-there/);
    });
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../worker/build.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { TestFleet } from "../worker/support/fleet.ts";
import { Collector } from "./support/collector.ts";

const NOTE = join(import.meta.dirname, "support/note-modules.mjs");
/** But the API, which the metrics' library has always asked for exemplars. */
const TELEMETRY = /node_modules\/(@opentelemetry\/(?!api\b)[\w-]+|@azure\/[\w-]+)/g;

describe("the bundled worker's tracing", function () {
  this.timeout(120_000);
  let server: TestRedis;
  let fleet: TestFleet;
  let folder: string;
  let main: string;
  before(async () => {
    server = await startRedis();
    folder = mkdtempSync(join(tmpdir(), "taskfleet-traced-bundle-"));
    main = join((await buildBundle({ outDir: folder })).directory, "main.mjs");
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    fleet = new TestFleet(server);
  });
  afterEach(() => fleet.close());

  /** The packages for telemetry in what a worker loaded until it had run a task. */
  async function loaded(environment: Readonly<Record<string, string>>): Promise<string[]> {
    const file = join(folder, `modules-${Object.keys(environment).length}`);
    const worker = fleet.worker(
      { NODE_OPTIONS: `--import ${NOTE}`, LOADED_MODULES: file, ...environment },
      "worker",
      main,
    );
    await fleet.result(await fleet.push("execute", { command: ["true"] }));
    worker.signal("SIGTERM");
    assert.equal(await worker.ended(), 0);
    const urls = [...new Set(readFileSync(file, "utf8").split("\n"))].filter((url) =>
      url.startsWith("file:"),
    );
    assert.ok(urls.some((url) => url.endsWith("/main.mjs")));
    const texts = urls.map((url) => readFileSync(fileURLToPath(url), "utf8"));
    return [...new Set(texts.flatMap((text) => text.match(TELEMETRY) ?? []))];
  }

  it("loads nothing of OpenTelemetry or Azure where it is off", async () => {
    assert.deepEqual(await loaded({}), []);
  });

  it("loads Azure's exporter where it is named, and ends in order without it", async () => {
    const packages = await loaded({
      APPLICATIONINSIGHTS_CONNECTION_STRING:
        "InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://127.0.0.1:9/",
    });
    assert.ok(packages.includes("node_modules/@azure/monitor-opentelemetry-exporter"), packages.join(" "));
    assert.ok(!packages.includes("node_modules/@opentelemetry/exporter-trace-otlp-proto"));
  });

  it("loads OTLP's exporter where it is on, and sends spans, but nothing of Azure", async () => {
    const collector = await Collector.start();
    const packages = await loaded({
      TASKFLEET_TRACING: "on",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    assert.ok(packages.includes("node_modules/@opentelemetry/sdk-trace"), packages.join(" "));
    assert.deepEqual(
      packages.filter((name) => name.includes("@azure")),
      [],
    );
    assert.equal(collector.named(`process ${fleet.queue.stream}`).length, 1);
    await collector.stop();
  });
});

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { handlerProblems } from "../../worker/src/handlers/check-handler.ts";
import { checkStart } from "../../worker/src/roles/start-check.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { TestFleet } from "../worker/support/fleet.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");
const DEMANDING = join(FIXTURES, "demanding");
const MADE = join(FIXTURES, "made-at-build");
const PROGRAM = join(MADE, "program.json");

describe("a start", function () {
  this.timeout(60_000);
  let server: TestRedis;
  let fleet: TestFleet;
  before(async () => {
    server = await startRedis();
    fleet = new TestFleet(server);
  });
  after(async () => {
    await fleet.close();
    await server.stop();
  });
  afterEach(() => rmSync(MADE, { recursive: true, force: true }));

  it("fails once, naming every secret and file that handlers require and nobody has", async () => {
    const worker = fleet.worker({ TASKFLEET_HANDLERS: DEMANDING });
    assert.equal(await worker.ended(), 1);
    const [, told = ""] = worker.output.split("taskfleet: ");
    assert.equal(
      told,
      `it cannot start:
3 things are missing:
  - the secret OPENAI_API_KEY is not set; the handlers "llm", "compiled" need it. Set OPENAI_API_KEY or OPENAI_API_KEY_FILE, or name a source that has it in TASKFLEET_SECRET_SOURCES.
  - the secret TAVILY_API_KEY is not set; the handler "search" needs it. Set TAVILY_API_KEY or TAVILY_API_KEY_FILE, or name a source that has it in TASKFLEET_SECRET_SOURCES.
  - the file ${PROGRAM} cannot be read (ENOENT); the handler "compiled" needs it. Build it before the start: nothing is made while tasks run.
`,
    );
  });

  it("says with wrong settings and sources what else is wrong, and no value", async () => {
    const settings = fleet.worker({
      TASKFLEET_HANDLERS: DEMANDING,
      WORKER_CONCURRENCY: "none",
      OPENAI_API_KEY: "sk-canary-key",
    });
    assert.equal(await settings.ended(), 1);
    assert.match(settings.output, /1 setting is wrong:\n {2}- WORKER_CONCURRENCY is "none"/);
    assert.match(settings.output, /2 things are missing:\n {2}- the secret TAVILY_API_KEY is not set/);
    assert.doesNotMatch(settings.output, /canary/);
    const sources = fleet.worker({
      TASKFLEET_HANDLERS: DEMANDING,
      TASKFLEET_SECRET_SOURCES: "file:/nowhere/all.json",
    });
    assert.equal(await sources.ended(), 1);
    assert.match(sources.output, /secrets: 1 problem:\n {2}- file:\/nowhere\/all\.json: .*ENOENT/);
    assert.match(sources.output, /1 thing is missing:\n {2}- the file /);
  });

  it("is tried by --check of worker and spawner, with the same words", async () => {
    const env = {
      REDIS_URL: server.url,
      TASKFLEET_HANDLERS: DEMANDING,
      OPENAI_API_KEY: "sk-canary-key",
      TASKFLEET_RUN_DIRECTORY: "/tmp/r",
      TASKFLEET_LOG_DIRECTORY: "/tmp/l",
      TASKFLEET_ACTUATOR: "process",
    };
    const told = async (role: "worker" | "spawner", changes: object = {}) =>
      (await checkStart({ ...env, ...changes }, role)).map(({ subject, ok }) => `${subject} ${ok}`);
    const expected = ["settings true", "handlers true", "secrets false", "files false", "redis true"];
    assert.deepEqual(await told("worker"), expected);
    assert.deepEqual(await told("spawner"), expected);
    const missing = (await checkStart(env, "spawner")).filter(({ ok }) => !ok).map(({ message }) => message);
    assert.match(missing[0] ?? "", /^the secret TAVILY_API_KEY is not set; the handler "search" needs it\./);
    mkdirSync(MADE);
    writeFileSync(PROGRAM, "{}");
    const complete = ["settings true", "handlers true", "secrets true", "files true", "redis true"];
    assert.deepEqual(await told("worker", { TAVILY_API_KEY: "tvly-key-1" }), complete);
    const elsewhere = { TASKFLEET_ACTUATOR: "none" };
    assert.deepEqual(await told("spawner", elsewhere), ["settings true", "handlers true", "redis true"]);
    const nothing = { TASKFLEET_HANDLERS: "" };
    assert.deepEqual(await told("worker", nothing), ["settings true", "handlers true", "redis true"]);
  });
});

describe("a handler's requirements", () => {
  const handler = { kind: "k", version: "1", description: "", payload: {}, run: async () => null };

  it("are lists of names and paths", () => {
    assert.deepEqual(
      handlerProblems({ ...handler, requires: { secrets: ["A_KEY"], files: ["a.json"] } }),
      [],
    );
    assert.deepEqual(handlerProblems({ ...handler, requires: {} }), []);
    for (const requires of [null, "A_KEY", { secrets: ["A KEY"] }, { files: [""] }, { secret: ["A_KEY"] }])
      assert.match(
        handlerProblems({ ...handler, requires })[0] ?? "",
        /^requires is .*; allowed: \{ secrets/,
      );
  });
});

import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseRunFile, runFileName } from "../../worker/contract/run-file.ts";
import { waitFor } from "../support/wait.ts";
import { type TestFleet, withFleetInFolder } from "../worker/support/fleet.ts";
import type { WorkerProcess } from "../worker/support/worker-process.ts";

const HANDLERS = join(import.meta.dirname, "fixtures", "handlers");
const backwards = (text: unknown) => [...String(text)].reverse().join("");

describe("a worker's secrets", function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let folder: string;
  withFleetInFolder((made) => {
    ({ fleet, folder } = made);
  });

  const secretFile = (text: string) => {
    const path = join(folder, "openai-api-key");
    writeFileSync(`${path}.next`, text, { mode: 0o600 });
    renameSync(`${path}.next`, path);
    return path;
  };
  const key = async (kind = "key") => backwards((await fleet.result(await fleet.push(kind))).output);

  /** A worker whose key is changed while it runs. */
  async function changes(worker: WorkerProcess): Promise<void> {
    await worker.ready();
    assert.deepEqual([await key(), await key("key-in-thread")], ["sk-first-key", "sk-first-key"]);
    secretFile("sk-second-key\n");
    await worker.logged("secret_rotated", ({ secret }) => secret === "OPENAI_API_KEY");
    assert.deepEqual([await key(), await key("key-in-thread")], ["sk-second-key", "sk-second-key"]);
    assert.doesNotMatch(worker.output, /sk-(first|second)-key/);
  }

  it("reach its handlers, in threads too, and change with their file while it runs", async () => {
    const settings = { TASKFLEET_HANDLERS: HANDLERS, OPENAI_API_KEY_FILE: secretFile("sk-first-key") };
    await changes(fleet.worker(settings));
  });

  it("do not reach a handler that does not require them", async () => {
    const settings = {
      TASKFLEET_HANDLERS: HANDLERS,
      OPENAI_API_KEY: "sk-key-one",
      TAVILY_API_KEY: "tvly-one",
    };
    await fleet.worker(settings).ready();
    const { status, error } = await fleet.result(await fleet.push("other-key"));
    assert.deepEqual(
      [status, error?.message],
      ["error", 'the handler "other-key" asks for the secret TAVILY_API_KEY; add it to its requires.secrets'],
    );
  });

  it("are refused in payloads, those of sources too", async () => {
    const path = join(folder, "all.json");
    writeFileSync(path, JSON.stringify({ OPENAI_API_KEY: "plain-words-only" }));
    const settings = { TASKFLEET_HANDLERS: HANDLERS, TASKFLEET_SECRET_SOURCES: `file:${path}` };
    const worker = await fleet.worker(settings).ready();
    const id = await fleet.push("leaks", { way: "plain-words-only" });
    const { status, error } = await fleet.result(id);
    assert.deepEqual([status, error?.reason], ["error", "secret"]);
    assert.match(error?.message ?? "", /^payload\.way: holds a secret \(a secret of this process\)/);
    assert.doesNotMatch(worker.output, /plain-words-only/);
  });

  describe("of a confined worker", () => {
    const confined = (environment: Readonly<Record<string, string>>) =>
      fleet.worker(
        {
          ...{ TASKFLEET_CONFINE: "on", TASKFLEET_RUN_DIRECTORY: join(folder, "run") },
          ...{ TASKFLEET_CPU: "2", TASKFLEET_HANDLERS: HANDLERS, ...environment },
        },
        "supervise",
      );

    it("come from its supervisor, which alone may read their file, and change while it runs", async () => {
      await changes(confined({ OPENAI_API_KEY_FILE: secretFile("sk-first-key") }));
    });

    it("stand neither in its environment nor in its command line, and only required ones reach it", async () => {
      const all = join(folder, "all.json");
      writeFileSync(
        all,
        JSON.stringify({ OPENAI_API_KEY: "sk-json-key", DATABASE_URL: "postgresql://d-b-url" }),
        {
          mode: 0o600,
        },
      );
      const worker = await confined({
        TASKFLEET_SECRET_SOURCES: `file:${all}`,
        ...{ TAVILY_API_KEY: "tvly-canary", TASKFLEET_API_KEY: "tfk-canary", VAULT_TOKEN: "hvs-canary" },
      }).ready();
      assert.equal(await key(), "sk-json-key");
      const path = join(folder, "run", runFileName(worker.id));
      const pid = parseRunFile(readFileSync(path, "utf8"))?.worker_pid;
      for (const name of ["environ", "cmdline"]) {
        const text = readFileSync(`/proc/${pid}/${name}`, "latin1");
        assert.doesNotMatch(text, /canary|sk-json|d-b-url/, name);
      }
      const { output } = await fleet.result(await fleet.push("environment"));
      assert.doesNotMatch((output as string[]).map(backwards).join("\n"), /canary|sk-json|d-b-url/);
    });

    it("that nobody has keep it from starting, with the names", async () => {
      const worker = confined({});
      assert.equal(await worker.ended(), 1);
      assert.match(worker.output, /1 thing is missing:\n {2}- the secret OPENAI_API_KEY is not set/);
      const source = confined({ TASKFLEET_SECRET_SOURCES: "file:/nowhere/a.json", OPENAI_API_KEY: "sk-k" });
      assert.equal(await source.ended(), 1);
      assert.match(source.output, /file:\/nowhere\/a\.json: .*ENOENT/);
    });
  });

  describe("that slip out", () => {
    const CANARIES = {
      OPENAI_API_KEY: 'sk-canary/one"+=',
      REDIS_PASSWORD_CANARY: "not-a-secret-name",
      AWS_SECRET_ACCESS_KEY: "aws+canary/two",
      VAULT_TOKEN: "hvs.canary-three",
      TASKFLEET_API_KEY: "tfk_canary_four",
    };
    const PATTERN = /canary|Canary/;

    /** All that Redis holds, as text. */
    async function everything(): Promise<string> {
      const { redis, stream } = fleet.queue;
      const texts: string[] = [];
      for (const name of await redis.keys(`*${stream}*`)) {
        const type = await redis.type(name);
        if (type === "string") texts.push(String(await redis.get(name)));
        if (type === "hash") texts.push(JSON.stringify(await redis.hgetall(name)));
        if (type === "stream") texts.push(JSON.stringify(await redis.xrange(name, "-", "+")));
        if (type === "zset") texts.push(JSON.stringify(await redis.zrange(name, "0", "-1")));
        if (type === "set") texts.push(JSON.stringify(await redis.smembers(name)));
      }
      return texts.join("\n");
    }

    it("are black in logs, results, dead letters, progress, reports and /health", async () => {
      const worker = fleet.worker({ TASKFLEET_HANDLERS: HANDLERS, LOG_LEVEL: "debug", ...CANARIES });
      await worker.ready();
      const limits = { maxAttempts: 1 };
      const [returns, permanent, waits] = await Promise.all([
        fleet.push("leaks", { way: "return" }),
        fleet.push("leaks", { way: "permanent" }),
        fleet.push("leaks", { way: "wait" }),
      ]);
      const thrown = await fleet.push("leaks", { way: "throw" }, limits);
      const report = await waitFor("a note", async () => {
        const text = await everything();
        return text.includes("[redacted]") && text.includes("with [redacted]") ? text : undefined;
      });
      const done = await fleet.result(returns);
      const letter = await fleet.letter(thrown);
      await Promise.all([permanent, waits].map((id) => fleet.result(id)));
      // What is looked for is there, blackened.
      const { text } = done.output as { text: string };
      assert.equal(text, "[redacted] and not-a-secret-name and [redacted] and [redacted] and [redacted]");
      assert.equal((done.output as Record<string, unknown>)["[redacted]"], "in a name");
      assert.equal(letter.errors[0]?.message, `no ${text}`);
      await worker.logged("leaked", (record) => record.text === text);
      await worker.logged("run_failed", (record) => String(record.why).includes("never [redacted]"));
      const [{ address } = { address: "" }] = await fleet.queue.workers.list();
      const paths = ["/health", "/health/ready", "/health/live", "/metrics"];
      const pages = await Promise.all(paths.map(async (path) => (await fetch(`${address}${path}`)).text()));
      for (const shown of [worker.output, report, await everything(), ...pages])
        assert.doesNotMatch(shown, PATTERN);
      worker.signal("SIGTERM");
      assert.equal(await worker.ended(), 0);
      assert.doesNotMatch(worker.output, PATTERN);
    });
  });
});

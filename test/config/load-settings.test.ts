import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SettingRole } from "../../worker/contract/settings.ts";
import { loadSettings, SettingsError, secretValues } from "../../worker/src/config/load-settings.ts";

describe("loadSettings", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-settings-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function problemsOf(environment: Record<string, string>, role: SettingRole = "worker") {
    try {
      loadSettings(environment, role, folder);
    } catch (error) {
      assert.ok(error instanceof SettingsError);
      return error;
    }
    return assert.fail("the settings were accepted");
  }

  it("takes the defaults where nothing is set", () => {
    const settings = loadSettings({}, "worker", folder);
    assert.equal(settings.pollInterval, 2);
    assert.equal(settings.concurrency, 4);
    assert.equal(settings.batchSize, 8);
    assert.equal(settings.idleExit, 600);
    assert.equal(settings.maxUptime, 3600);
    assert.equal(settings.gracefulShutdownTimeout, 300);
    assert.deepEqual(settings.streams, ["peagen.tasks"]);
    assert.equal(settings.logJson, true);
    assert.ok(Object.isFrozen(settings));
  });

  it("gives a role its own settings only", () => {
    assert.equal("scaleMax" in loadSettings({}, "worker", folder), false);
    assert.equal("concurrency" in loadSettings({ WORKER_CONCURRENCY: "nonsense" }, "cli", folder), false);
  });

  it("lets the broker's Docker take no name for an option", () => {
    const set = { TASKFLEET_SANDBOX_BROKER: "/b", TASKFLEET_BROKER_IMAGE: "registry:5000/a/b@sha256:0f" };
    assert.equal(loadSettings(set, "broker", folder).brokerImage, "registry:5000/a/b@sha256:0f");
    const wrong = (change: Record<string, string>) =>
      problemsOf({ ...set, ...change }, "broker").problems.map(({ variable }) => variable);
    assert.deepEqual(wrong({ TASKFLEET_BROKER_IMAGE: "--privileged" }), ["TASKFLEET_BROKER_IMAGE"]);
    assert.deepEqual(wrong({ TASKFLEET_BROKER_RUNTIME: "-v" }), ["TASKFLEET_BROKER_RUNTIME"]);
    assert.deepEqual(wrong({ TASKFLEET_SANDBOX_BROKER: "b.sock", TASKFLEET_BROKER_IMAGE: "" }), [
      "TASKFLEET_SANDBOX_BROKER",
      "TASKFLEET_BROKER_IMAGE",
    ]);
  });

  it("reads every type", () => {
    const environment = {
      WORKER_CONCURRENCY: " 12 ",
      WORKER_POLL_INTERVAL: ".5",
      TASKFLEET_QUEUE_NAME: "gpu.tasks, peagen.tasks",
      LOG_JSON: "No",
      LOG_LEVEL: "warning",
      WORKER_IDLE_EXIT: "",
    };
    const settings = loadSettings(environment, "worker", folder);
    assert.equal(settings.concurrency, 12);
    assert.equal(settings.pollInterval, 0.5);
    assert.deepEqual(settings.streams, ["gpu.tasks", "peagen.tasks"]);
    assert.equal(settings.logJson, false);
    assert.equal(settings.logLevel, "warning");
    assert.equal(settings.idleExit, 600, "an empty variable counts as not set");
  });

  it("reads .env under the environment", () => {
    writeFileSync(join(folder, ".env"), 'WORKER_CONCURRENCY=3\nWORKER_BATCH_SIZE="5" # five\n');
    const settings = loadSettings({ WORKER_CONCURRENCY: "7" }, "worker", folder);
    assert.equal(settings.concurrency, 7);
    assert.equal(settings.batchSize, 5);
  });

  it("puts a preset in place of the defaults, and a variable before the preset", () => {
    const preset = loadSettings({ WORKER_PRESET: "high-throughput" }, "worker", folder);
    assert.deepEqual([preset.pollInterval, preset.concurrency, preset.batchSize], [1, 8, 16]);
    const environment = { WORKER_PRESET: "constrained", WORKER_BATCH_SIZE: "9" };
    const mixed = loadSettings(environment, "worker", folder);
    assert.deepEqual([mixed.pollInterval, mixed.concurrency, mixed.batchSize], [5, 2, 9]);
  });

  it("reports everything that is wrong at once, with variable, value, what is allowed and the way out", () => {
    const environment = {
      WORKER_CONCURRENCY: "0",
      WORKER_POLL_INTERVAL: "soon",
      WORKER_BATCH_SIZE: "2.5",
      LOG_JSON: "maybe",
      WORKER_PRESET: "turbo",
      TASKFLEET_QUEUE_NAME: "a,{b}",
      WORKER_ID: "two words",
      TASKFLEET_HTTP_ALLOW: "api.internal,*.internal",
      TASKFLEET_RETRY_BASE: "10",
      TASKFLEET_RETRY_MAX: "5",
    };
    const { problems, message } = problemsOf(environment);
    const variables = problems.map(({ variable }) => variable).sort();
    const expected = Object.keys(environment).filter((name) => name !== "TASKFLEET_RETRY_MAX");
    assert.deepEqual(variables, expected.sort());
    assert.match(message, /^9 settings are wrong:/);
    assert.match(
      message,
      /WORKER_CONCURRENCY is "0"; allowed: a whole number from 1 to 1024\. Correct it, or unset WORKER_CONCURRENCY for the default, 4\./,
    );
    assert.match(message, /TASKFLEET_RETRY_BASE is 10; allowed: at most TASKFLEET_RETRY_MAX, which is 5\./);
    assert.match(message, /with "\*\.internal"; allowed: hosts as "api\.internal", .*there are no patterns/);
    assert.doesNotMatch(message, /undefined/);
  });

  it("reads limits of kinds, and names those that are none", () => {
    const { kindLimits } = loadSettings({ TASKFLEET_KIND_LIMITS: "llm=4, llm=100/60s" }, "spawner", folder);
    assert.deepEqual(kindLimits, ["llm=4", "llm=100/60s"]);
    const wrong = { TASKFLEET_KIND_LIMITS: "llm=4,llm=5,mail=often", WORKER_CONCURRENCY: "0" };
    const { problems } = problemsOf(wrong);
    assert.equal(problems.length, 2);
    const [, limits] = problems;
    assert.deepEqual(
      [limits?.received, limits?.wayOut],
      ['"llm=4,llm=5,mail=often", with "llm=5", "mail=often"', 'Correct or remove "llm=5", "mail=often".'],
    );
    assert.match(
      limits?.allowed ?? "",
      /^kind=N for N tasks at once \(1 to 100000\) and kind=N\/Ts for N starts/,
    );
  });

  it("takes as proxies what names them, and not everybody", () => {
    const right = "127.0.0.1, 10.0.0.0/8, ::1, fd00::/8, loopback";
    const { apiTrustProxy } = loadSettings({ TASKFLEET_API_TRUST_PROXY: right }, "api", folder);
    assert.deepEqual(apiTrustProxy, ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "loopback"]);
    for (const one of [
      "proxy.internal",
      "10.1",
      "10.0.0.0/33",
      "0.0.0.0/0",
      "::/0",
      "true",
      "300.0.0.1",
      "2",
    ])
      assert.deepEqual(problemsOf({ TASKFLEET_API_TRUST_PROXY: `::1,${one}` }, "api").problems, [
        {
          variable: "TASKFLEET_API_TRUST_PROXY",
          received: `"::1,${one}", with "${one}"`,
          allowed:
            "IP addresses, networks such as 10.0.0.0/8, and the names loopback, linklocal, uniquelocal, with commas between them",
          wayOut: `Correct or remove "${one}"; name the proxies, or the network that only they are in.`,
        },
      ]);
  });

  for (const text of ["0x10", "1e999", "NaN", "Infinity", "", "4 4", "１２"]) {
    it(`does not take ${JSON.stringify(text)} for a number`, () => {
      if (text === "")
        assert.equal(loadSettings({ WORKER_CONCURRENCY: text }, "worker", folder).concurrency, 4);
      else assert.equal(problemsOf({ WORKER_CONCURRENCY: text }).problems.length, 1);
    });
  }

  it("demands the process actuator's folders, and an order of the bounds", () => {
    const { problems } = problemsOf({ TASKFLEET_ACTUATOR: "process" }, "spawner");
    assert.deepEqual(
      problems.map(({ variable }) => variable),
      ["TASKFLEET_RUN_DIRECTORY", "TASKFLEET_LOG_DIRECTORY"],
    );
    assert.equal(
      problemsOf({ TASKFLEET_SCALE_MIN: "9", TASKFLEET_SCALE_MAX: "8" }, "spawner").problems.length,
      1,
    );
  });

  it("takes one stream for a spawner, for it tends no other", () => {
    const { problems } = problemsOf({ TASKFLEET_QUEUE_NAME: "gpu.tasks,peagen.tasks" }, "spawner");
    assert.deepEqual(problems, [
      {
        variable: "TASKFLEET_QUEUE_NAME",
        received: '"gpu.tasks,peagen.tasks"',
        allowed: "one stream for a spawner",
        wayOut: "Run one spawner for each worker class, with the class's own stream.",
      },
    ]);
    assert.equal(problemsOf({ TASKFLEET_QUEUE_NAME: "gpu.tasks, gpu.tasks" }, "spawner").problems.length, 1);
  });

  describe("secrets", () => {
    it("come from a file, without its last newline", () => {
      const file = join(folder, "password");
      writeFileSync(file, "two words \n");
      const settings = loadSettings({ REDIS_PASSWORD_FILE: file }, "worker", folder);
      assert.equal(settings.redisPassword, "two words ");
    });

    it("are taken from the environment before .env, whichever form they have", () => {
      writeFileSync(join(folder, ".env"), "REDIS_PASSWORD=from-dot-env\n");
      const file = join(folder, "password");
      writeFileSync(file, "from-file");
      assert.equal(loadSettings({ REDIS_PASSWORD_FILE: file }, "worker", folder).redisPassword, "from-file");
      assert.equal(loadSettings({}, "worker", folder).redisPassword, "from-dot-env");
    });

    it("are refused in both forms at once, in an empty file and in one that is not there", () => {
      const empty = join(folder, "empty");
      writeFileSync(empty, "\n");
      const both = problemsOf({ REDIS_PASSWORD: "hush-hush", REDIS_PASSWORD_FILE: empty });
      assert.equal(both.problems[0]?.variable, "REDIS_PASSWORD");
      assert.doesNotMatch(both.message, /hush/);
      assert.match(
        problemsOf({ REDIS_PASSWORD_FILE: empty }).message,
        /REDIS_PASSWORD_FILE is .*an empty file/,
      );
      assert.match(
        problemsOf({ REDIS_PASSWORD_FILE: join(folder, "no") }).message,
        /cannot be read \(ENOENT\)/,
      );
    });

    it("in a wrong REDIS_URL are not shown", () => {
      for (const url of [
        "http://:hush@host",
        "redis:hush",
        "redis://:hu/sh@host:port",
        "hush@host",
        "redis://:50%hush@h",
      ]) {
        const { message, problems } = problemsOf({ REDIS_URL: url });
        assert.deepEqual([problems.length, problems[0]?.variable], [1, "REDIS_URL"]);
        assert.doesNotMatch(message, /hu\/?sh/);
      }
    });

    it("are listed for redaction, also those in the URL", () => {
      const environment = { REDIS_URL: "redis://:one%20two@host", REDIS_PASSWORD: "three" };
      const values = secretValues(loadSettings(environment, "cli", folder));
      assert.deepEqual(values, ["three", "one%20two", "one two"]);
      assert.deepEqual(secretValues(loadSettings({}, "cli", folder)), []);
    });
  });
});

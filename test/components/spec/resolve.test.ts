import assert from "node:assert/strict";
import fc from "fast-check";
import { SpecError, type SpecProblem } from "../../../components/spec/errors.ts";
import type { FleetSpec } from "../../../components/spec/fleet-spec.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import { classSettings } from "../../../components/spec/to-environment.ts";
import { SETTINGS } from "../../../worker/contract/settings.ts";

function problemsOf(spec: unknown): readonly SpecProblem[] {
  try {
    resolveFleet(spec, "local");
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error));
    return error.problems;
  }
  return assert.fail("the spec was accepted");
}

const pathsOf = (spec: unknown) => problemsOf(spec).map(({ path }) => path);

describe("resolving a spec", () => {
  it("needs nothing: each name and figure has its default", () => {
    const { name, classes, delivery, redis, security, demands } = resolveFleet({}, "local");
    const [first] = classes;
    assert.deepEqual(
      [name, first.name, first.stream, classes.length],
      ["peagen", "default", "peagen.tasks", 1],
    );
    const { worker, scaling } = first;
    assert.deepEqual([worker.concurrency, worker.batchSize, worker.pollInterval], [4, 8, 2]);
    assert.deepEqual([scaling.min, scaling.max, scaling.tasksPerWorker], [1, 32, 2]);
    assert.deepEqual([scaling.interval, scaling.idleToZero, scaling.warmPool], [30, 300, 2]);
    assert.deepEqual([delivery.maxAttempts, delivery.maxPayload], [3, 2_097_152]);
    assert.deepEqual(redis, { port: { kind: "preferred", port: 6379 }, maxMemory: 2_147_483_648 });
    assert.deepEqual([security.uid, security.memory, security.cpu], [65_532, 536_870_912, 0.5]);
    assert.deepEqual(demands, []);
  });

  it("takes lost tasks back after 6 + 4 s on local, where the worker's own default is 45 + 15 s", () => {
    const { lease, sweepInterval } = resolveFleet({}, "local").delivery;
    assert.deepEqual([lease, sweepInterval], [6, 4]);
    assert.deepEqual([SETTINGS.lease.default, SETTINGS.sweepInterval.default], [45, 15]);
    const own = resolveFleet({ delivery: { lease: "20 s" } }, "local").delivery;
    assert.deepEqual([own.lease, own.sweepInterval], [20, 4]);
  });

  it("records runs and serves the API, unless told otherwise", () => {
    const { recordRuns, database, api } = resolveFleet({}, "local");
    assert.equal(recordRuns, true);
    assert.deepEqual(database, {
      poolSize: 10,
      poolOverflow: 20,
      poolTimeout: 30,
      poolRecycle: 1800,
      poolPrePing: true,
      retention: 2_592_000,
      retentionMode: "delete",
      recordBuffer: 268_435_456,
      port: { kind: "preferred", port: 5432 },
      tablePrefix: "",
    });
    const port = { kind: "preferred", port: 8080 };
    const sessions = {
      ...{ heartbeat: 30, idle: 300, total: 3600, resume: 300, maxMessage: 1_048_576, buffer: 1_048_576 },
      ...{ perClient: 10, maxTasks: 1_000, maxEvents: 10_000 },
    };
    const host = "127.0.0.1";
    assert.deepEqual(api, { rate: 100, window: 60, maxBody: 8_388_608, enabled: true, host, port, sessions });
    const busy = resolveFleet({ api: { sessions: { idle: "10 min", perClient: 50 } } }, "local");
    assert.deepEqual(busy.api.sessions, { ...sessions, idle: 600, perClient: 50 });
    assert.deepEqual(pathsOf({ api: { sessions: { idle: "-1s", heart: 1 } } }), [
      "api.sessions.idle",
      "api.sessions.heart",
    ]);
    const off = resolveFleet({ recordRuns: false, api: { enabled: false, port: 9000 } }, "local");
    assert.deepEqual(
      [off.recordRuns, off.api.enabled, off.api.port],
      [false, false, { kind: "demanded", port: 9000 }],
    );
    assert.deepEqual(
      pathsOf({
        recordRuns: "no",
        database: { tablePrefix: "Acme", port: 0, retention: "-1 s" },
        api: { rate: -1, keys: [] },
      }),
      ["recordRuns", "database.retention", "database.port", "database.tablePrefix", "api.rate", "api.keys"],
    );
  });

  it("takes a collector by its URL, and no list, and no share beyond the whole", () => {
    const { tracing } = resolveFleet({ tracing: { otlpEndpoint: "https://collector:4318" } }, "local");
    assert.deepEqual(tracing, { enabled: false, otlpEndpoint: "https://collector:4318", sample: 1 });
    for (const wrong of [
      { otlpEndpoint: "collector:4318" },
      { otlpEndpoint: "http://a,http://b" },
      { sample: 1.5 },
      { enabled: "yes" },
    ])
      assert.throws(() => resolveFleet({ tracing: wrong }, "local"), /tracing\.\w+/, JSON.stringify(wrong));
  });

  it("takes units", () => {
    const spec: FleetSpec = {
      worker: { idleExit: "10 min" },
      delivery: { retryBase: "500 ms", maxPayload: "1 MiB" },
      redis: { maxMemory: "256 MiB", port: 7000 },
    };
    const { classes, delivery, redis } = resolveFleet(spec, "local");
    assert.deepEqual(
      [classes[0].worker.idleExit, delivery.retryBase, delivery.maxPayload],
      [600, 0.5, 1_048_576],
    );
    assert.deepEqual(redis, { port: { kind: "demanded", port: 7000 }, maxMemory: 268_435_456 });
  });

  it("lets a preset replace defaults, and a field set by itself win", () => {
    const { worker } = resolveFleet({ worker: { preset: "high-throughput", batchSize: 32 } }, "local")
      .classes[0];
    assert.deepEqual(
      [worker.preset, worker.pollInterval, worker.concurrency, worker.batchSize],
      ["high-throughput", 1, 8, 32],
    );
  });

  it("gives each class its own stream, and the fleet's figures where it has none of its own", () => {
    const spec: FleetSpec = {
      name: "acme",
      worker: { concurrency: 6, batchSize: 12 },
      scaling: { max: 10 },
      classes: {
        heavy: { worker: { concurrency: 1 }, scaling: { min: 2 } },
        quick: { worker: { preset: "constrained" } },
      },
    };
    const [, heavy, quick] = resolveFleet(spec, "local").classes;
    assert.deepEqual(
      [heavy?.stream, heavy?.worker.concurrency, heavy?.worker.batchSize],
      ["acme.tasks.heavy", 1, 12],
    );
    assert.deepEqual([heavy?.scaling.min, heavy?.scaling.max], [2, 10]);
    assert.deepEqual(
      [quick?.worker.preset, quick?.worker.concurrency, quick?.worker.batchSize],
      ["constrained", 2, 4],
    );
  });

  it("reports every problem at once, each with path, value, range and way out", () => {
    const problems = problemsOf({
      name: "No Spaces",
      worker: { concurency: 4, batchSize: 0, preset: "fast" },
      scaling: { min: 5, max: 2 },
      classes: { default: {}, gpu: { gpu: -1 } },
      security: { uid: 0, acceptUnenforced: ["gpu"] },
      colour: "red",
    });
    assert.deepEqual(
      problems.map(({ path }) => path),
      [
        "name",
        "worker.preset",
        "worker.batchSize",
        "worker.concurency",
        "scaling.min",
        "classes.default",
        "classes.gpu.gpu",
        "security.uid",
        "security.acceptUnenforced",
        "colour",
      ],
    );
    const batchSize = problems.find(({ path }) => path === "worker.batchSize");
    assert.deepEqual(batchSize, {
      path: "worker.batchSize",
      received: "0",
      allowed: "a whole number from 1 to 4096",
      wayOut: "Correct it, or leave it out for the default.",
    });
    const misspelt = problems.find(({ path }) => path === "worker.concurency");
    assert.equal(misspelt?.wayOut, 'Did you mean "concurrency"?');
    const stranger = problems.find(({ path }) => path === "colour");
    assert.equal(stranger?.wayOut, "Nothing has this name: remove it.");
  });

  it("says in the message what it says in the problems", () => {
    assert.throws(() => resolveFleet({ delivery: { lease: "fast" } }, "local"), {
      message:
        "the fleet's spec has 1 problem:\n" +
        '  delivery.lease: got "fast"; allowed: 500 ms to 1 h, as seconds, or text such as "45 s" (ms, s, min, h, d). ' +
        "Correct it, or leave it out for the default.",
    });
  });

  it("refuses sections that are no objects", () => {
    assert.deepEqual(pathsOf({ worker: 4, delivery: [], classes: "gpu" }), ["worker", "classes", "delivery"]);
    assert.deepEqual(pathsOf("peagen"), ["(the spec)"]);
  });

  it("refuses bounds that contradict each other", () => {
    assert.deepEqual(pathsOf({ delivery: { retryBase: "10 min", retryMax: "1 min" } }), [
      "delivery.retryBase",
    ]);
    const [base] = problemsOf({ delivery: { retryMax: 1 } });
    assert.deepEqual(
      [base?.path, base?.received, base?.allowed],
      ["delivery.retryMax", "1", "at least retryBase, which is 2 s"],
    );
    assert.deepEqual(pathsOf({ scaling: { max: 3 }, classes: { big: { scaling: { min: 4 } } } }), [
      "classes.big.scaling.min",
    ]);
  });

  it("reads limits of kinds, and refuses what is none", () => {
    const { limits } = resolveFleet(
      {
        limits: {
          llm: { concurrency: 4, rate: { tasks: 100, per: "60s" } },
          mail: { rate: { tasks: 1, per: 0.5 } },
        },
      },
      "local",
    );
    assert.deepEqual(
      [...limits],
      [
        ["llm", { concurrency: 4, rate: { tasks: 100, perMs: 60_000 } }],
        ["mail", { rate: { tasks: 1, perMs: 500 } }],
      ],
    );
    const wrong = {
      "two words": {},
      empty: {},
      llm: { concurency: 1, concurrency: 0, rate: { tasks: 2.5 } },
      mail: { rate: 5 },
    };
    assert.deepEqual(
      problemsOf({ limits: wrong }).map(({ path, allowed }) => `${path}: ${allowed}`),
      [
        "limits.two words: a name of 1 to 64 characters of a-z A-Z 0-9 . _ -",
        "limits.empty.concurrency: a limit here, or a rate",
        "limits.llm.concurrency: a whole number from 1 to 100000",
        "limits.llm.rate.per: a value, because a rate has both",
        "limits.llm.rate.tasks: a whole number from 1 to 100000",
        "limits.llm.concurency: concurrency, rate",
        "limits.mail.rate: an object",
      ],
    );
    assert.deepEqual(pathsOf({ limits: 4 }), ["limits"]);
  });

  it("wants the broker's socket with the back end broker", () => {
    assert.deepEqual(pathsOf({ execute: { backEnd: "broker" } }), ["execute.broker"]);
    const fleet = resolveFleet({ execute: { backEnd: "broker", broker: "/run/b.sock" } }, "local");
    const { sandboxBroker, executeBackEnd } = classSettings(fleet, fleet.classes[0], "worker");
    assert.deepEqual([sandboxBroker, executeBackEnd], ["/run/b.sock", "broker"]);
  });

  it("demands what is written down, not what is a default, nor what is switched off or accepted", () => {
    const spec: FleetSpec = {
      security: { pids: 100, readOnlyRoot: true, seccomp: "unconfined", cpu: 1, acceptUnenforced: ["cpu"] },
      classes: { vision: { gpu: 2 } },
      execute: { untrusted: true },
    };
    const demands = resolveFleet(spec, "local").demands.map(({ path, value }) => `${path}=${value}`);
    assert.deepEqual(demands, [
      "security.readOnlyRoot=true",
      "security.pids=100",
      "execute.untrusted=true",
      "classes.vision.gpu=2",
    ]);
  });

  it("is frozen", () => {
    const fleet = resolveFleet({}, "local");
    const parts = [
      fleet,
      fleet.classes,
      fleet.classes[0],
      fleet.classes[0].worker,
      fleet.delivery,
      fleet.security,
    ];
    assert.deepEqual(
      parts.map(Object.isFrozen),
      parts.map(() => true),
    );
  });

  it("never answers with anything but a fleet or a SpecError, and never says undefined", () => {
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom("name", "worker", "scaling", "classes", "redis", "max", "x") }),
        (spec) => {
          try {
            resolveFleet(spec, "local");
          } catch (error) {
            assert.ok(error instanceof SpecError, String(error));
            assert.ok(!error.message.includes("got undefined"));
          }
        },
      ),
    );
  });

  it("takes hosts that http may call otherwise by their names, and no patterns or URLs", () => {
    const allow = ["api.internal", "API.internal:8080", "127.0.0.1:80", "[::1]:9000", "bücher.example"];
    assert.deepEqual(resolveFleet({ http: { allow } }, "local").http.allow, allow);
    assert.deepEqual(resolveFleet({}, "local").http.allow, []);
    const wrong = [
      "",
      "*.internal",
      "http://api.internal",
      "a/b",
      "a:0",
      "a:65536",
      "a:b",
      "::1",
      "u@h",
      "a b",
      1,
    ];
    for (const entry of wrong) {
      const [problem, ...more] = problemsOf({ http: { allow: ["ok", entry] } });
      assert.deepEqual([problem?.path, more], ["http.allow", []], String(entry));
      assert.match(problem?.allowed ?? "", /^a list of hosts as "api\.internal", /);
    }
    assert.deepEqual(pathsOf({ http: { allow: "api.internal" } }), ["http.allow"]);
  });

  it("takes sources of secrets by their forms, and never a value or a worker's supervisor", () => {
    const sources = ["file:/run/all.json", "aws:prod/llm?region=eu-central-1", "vault:secret/teams/llm#KEY"];
    assert.deepEqual(resolveFleet({ secrets: { sources, refresh: "2 min" } }, "local").secrets, {
      sources,
      refresh: 120,
    });
    assert.deepEqual(resolveFleet({}, "local").secrets, { sources: [], refresh: 60 });
    for (const entry of ["sk-1234", "supervisor", "file:", "file:/a,file:/b", "s3:bucket/key"])
      assert.deepEqual(pathsOf({ secrets: { sources: [entry] } }), ["secrets.sources"], entry);
  });
});

import assert from "node:assert/strict";
import { parseEnv } from "node:util";
import type { FleetSpec } from "../../../components/spec/fleet-spec.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import { UnsupportedError } from "../../../components/targets/capabilities.ts";
import { local } from "../../../components/targets/local/compile.ts";
import type { LocalContext } from "../../../components/targets/local/document.ts";
import { fillReferences, referencesIn } from "../../../components/targets/references.ts";
import { CONTEXT, hex } from "./context.ts";

const compile = (spec: FleetSpec = {}, context: Partial<LocalContext> = {}) => {
  const document = local.compile(resolveFleet(spec, "local"), { ...CONTEXT, ...context });
  assert.ok(document.redis !== null);
  return { ...document, redis: document.redis };
};
const revision = (spec: FleetSpec = {}, context: Partial<LocalContext> = {}) =>
  compile(spec, context).classes[0]?.revision;

describe("the target local", () => {
  it("is one Redis, two spawners and their workers", () => {
    const { redis, classes, imageTag } = compile();
    assert.deepEqual([redis.command, redis.args], ["/bin/redis-server", ["/state/local/redis/redis.conf"]]);
    assert.deepEqual(redis.port, { kind: "preferred", port: 6379 });
    assert.equal(imageTag, `bundle:sha256:${hex}`);
    assert.equal(classes.length, 1);
    const [only] = classes;
    assert.deepEqual(only?.workers, {
      name: "workers",
      directory: "/state/local/run",
      stopTimeoutSeconds: 315,
    });
    assert.deepEqual(
      only?.spawners.map(({ name, port, command, args }) => [name, port.port, command, args]),
      [
        ["spawner-a", 9464, "/bin/node", [`/state/local/bundles/${hex}/main.mjs`, "spawner"]],
        ["spawner-b", 9465, "/bin/node", [`/state/local/bundles/${hex}/main.mjs`, "spawner"]],
      ],
    );
  });

  it("says how long the task of a dead worker can wait", () => {
    assert.equal(compile().lostTasks, "taken back within 10 s (lease 6 s + sweep 4 s)");
    const exact = compile({ delivery: { lease: 1.1, sweepInterval: 2.2 } });
    assert.equal(exact.lostTasks, "taken back within 3.3 s (lease 1100 ms + sweep 2200 ms)");
  });

  it("gives spawners what they and their workers read, and the password as a file", () => {
    const environment = compile({ handlers: "examples/handlers" }).classes[0]?.spawners[0]?.environment ?? {};
    const expected = {
      REDIS_URL: "redis://{{redis.address}}",
      REDIS_PASSWORD_FILE: "/state/local/secrets/redis-password",
      TASKFLEET_QUEUE_NAME: "peagen.tasks",
      TASKFLEET_HANDLERS: "/project/examples/handlers",
      TASKFLEET_CONFINE: "true",
      TASKFLEET_UID: "65532",
      TASKFLEET_MEMORY: "536870912",
      TASKFLEET_HIDDEN_PATHS: "/state/local/secrets,/state/passphrase",
      TASKFLEET_IMAGE_TAG: `bundle:sha256:${hex}`,
      TASKFLEET_ACTUATOR: "process",
      TASKFLEET_RUN_DIRECTORY: "/state/local/run",
      TASKFLEET_LOG_DIRECTORY: "/state/local/logs",
      TASKFLEET_HTTP_PORT: "{port}",
      TASKFLEET_LEASE: "6",
      TASKFLEET_SWEEP_INTERVAL: "4",
      TASKFLEET_SCALE_MAX: "32",
      WORKER_CONCURRENCY: "4",
    };
    const found = Object.keys(expected).map((name) => [name, environment[name]]);
    assert.deepEqual(Object.fromEntries(found), expected);
    assert.equal("REDIS_PASSWORD" in environment, false);
  });

  it("keeps results as files in the stack's own folder, when the spec wants files", () => {
    const { classes, api, redis } = compile({ delivery: { results: "fs" } });
    const environment = classes[0]?.spawners[0]?.environment ?? {};
    assert.deepEqual(
      [environment.TASKFLEET_RESULT_BACKEND, environment.TASKFLEET_RESULT_DIRECTORY],
      ["fs", "/state/local/results"],
    );
    assert.equal(api?.environment.TASKFLEET_RESULT_DIRECTORY, "/state/local/results");
    assert.match(redis.files[2]?.content ?? "", /^TASKFLEET_RESULT_DIRECTORY=\/state\/local\/results$/m);
    assert.notEqual(revision({ delivery: { results: "fs" } }), revision());
  });

  it("puts the password in one private file, and its hash alone in Redis' configuration", () => {
    const { redis } = compile();
    const holders = redis.files.filter(({ content }) => referencesIn(content).includes("redisPassword"));
    assert.deepEqual(
      holders.map(({ path }) => path),
      ["/state/local/secrets/redis-password"],
    );
    assert.deepEqual(new Set(redis.files.map(({ mode }) => mode)), new Set(["0600"]));
    assert.match(
      redis.files[0]?.content ?? "",
      /^user default reset on #\{\{redis\.password-hash\}\} ~\* &\* \+@all$/m,
    );
    assert.ok(redis.args.every((word) => referencesIn(word).length === 0));
  });

  it("keeps the history in the project's .var, and traces to a collector where the spec says so", () => {
    const ofSpawner = (spec: FleetSpec = {}) => compile(spec).classes[0]?.spawners[0]?.environment ?? {};
    const { TASKFLEET_HISTORY: path, TASKFLEET_HISTORY_MAX: max, TASKFLEET_HISTORY_KEEP: keep } = ofSpawner();
    assert.deepEqual([path, max, keep], ["/project/.var/logs/execution_history.jsonl", "10485760", "5"]);
    const names = (spec: FleetSpec) =>
      Object.keys(ofSpawner(spec)).filter((name) => /HISTORY|TRACING|OTEL/.test(name));
    assert.deepEqual(names({ history: { enabled: false } }), []);
    const tracing = { enabled: true, otlpEndpoint: "http://collector:4318", sample: 0.5 };
    const traced = compile({ tracing, history: { max: "1 MiB", keep: 2 } });
    const expected = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
      TASKFLEET_TRACING: "true",
      TASKFLEET_TRACING_SAMPLE: "0.5",
    };
    const pick = (environment: Readonly<Record<string, string>> = {}) =>
      Object.fromEntries(Object.entries(environment).filter(([name]) => name in expected));
    assert.deepEqual(pick(traced.api?.environment), expected);
    assert.deepEqual(pick(traced.classes[0]?.spawners[0]?.environment), expected);
    const client = traced.redis.files.find(({ path: file }) => file === "/state/local/client.env");
    assert.deepEqual(pick(parseEnv(client?.content ?? "") as Record<string, string>), expected);
    assert.notEqual(revision({ tracing }), revision());
  });

  it("tells clients where the queue is", () => {
    const { redis } = compile({ name: "acme", delivery: { resultTtl: "2 h" } });
    const file = redis.files.find(({ path }) => path === "/state/local/client.env");
    assert.deepEqual(
      { ...parseEnv(file?.content ?? "") },
      {
        REDIS_URL: "redis://127.0.0.1:{port}",
        REDIS_PASSWORD_FILE: "/state/local/secrets/redis-password",
        TASKFLEET_BACKUP_DIRECTORY: "/state/backups/local",
        TASKFLEET_CONTROLS: '{"enforced":[{"name":"uid","text":"uid 65532","by":"setpriv"}],"lost":[]}',
        TASKFLEET_LOG_DIRECTORY: "/state/local/logs",
        TASKFLEET_MAX_PAYLOAD_BYTES: "2097152",
        TASKFLEET_QUEUE_NAME: "acme.tasks",
        TASKFLEET_RESULT_TTL: "7200",
      },
    );
  });

  it("keeps classes apart: streams, run directories, names and ports", () => {
    const { classes } = compile({ classes: { heavy: {}, quick: {} } });
    assert.deepEqual(
      classes.map(({ stream, workers, spawners }) => [
        stream,
        workers.directory,
        spawners.map(({ name, port }) => `${name}:${port.port}`),
      ]),
      [
        ["peagen.tasks", "/state/local/run", ["spawner-a:9464", "spawner-b:9465"]],
        ["peagen.tasks.heavy", "/state/local/run-heavy", ["spawner-heavy-a:9466", "spawner-heavy-b:9467"]],
        ["peagen.tasks.quick", "/state/local/run-quick", ["spawner-quick-a:9468", "spawner-quick-b:9469"]],
      ],
    );
  });

  it("replaces workers for what they are started with, and for nothing else", () => {
    assert.equal(revision(), revision());
    assert.equal(revision({ scaling: { max: 4 } }), revision(), "a scaling figure is the spawner's alone");
    assert.equal(revision({ redis: { maxMemory: "1 GiB" } }), revision());
    const changes = [
      revision({ worker: { concurrency: 5 } }),
      revision({ delivery: { lease: 7 } }),
      revision({}, { bundle: { ...CONTEXT.bundle, digest: "sha256:other" } }),
      revision({}, { handlersDigest: "other" }),
    ];
    assert.equal(new Set([revision(), ...changes]).size, 5);
  });

  it("replaces workers when Redis comes up at another address", () => {
    const [first] = compile().classes;
    assert.match(first?.revision ?? "", /^[0-9a-f]{16}-\{\{redis\.address\}\}$/);
    const revisions = first?.spawners.map(({ environment }) => environment.TASKFLEET_REVISION);
    assert.deepEqual(revisions, [first?.revision, first?.revision]);
  });

  it("refuses what it cannot enforce, and deletes data only when told to", () => {
    const lost = { name: "memory", text: "1024 MiB", reason: "not root", wayOut: "run it as root" } as const;
    const controls = { enforced: [], lost: [lost] };
    assert.throws(() => compile({ security: { memory: "1 GiB" } }, { controls }), UnsupportedError);
    assert.equal(compile({}, { controls }).controls, "none; lost: 1024 MiB (not root)");
    assert.equal(compile({ security: { memory: "1 GiB" } }).controls, "uid 65532");
    assert.deepEqual(
      [compile().redis.deleteData, compile({}, { deleteData: true }).redis.deleteData],
      [false, true],
    );
  });
});

describe("references in a document", () => {
  it("are filled literally, each with its own value", () => {
    const text = "{{redis.password}} {{redis.address}} {{redis.password}} {port}";
    assert.deepEqual(referencesIn(text), ["redisAddress", "redisPassword"]);
    const filled = fillReferences(text, { redisPassword: "$&", redisAddress: "h:1" });
    assert.equal(filled, "$& h:1 $& {port}");
  });

  it("must all have a value", () => {
    assert.throws(
      () => fillReferences("{{redis.address}}", {}),
      /no value for the reference \{\{redis\.address\}\}/,
    );
  });

  it("hands handlers' secrets over by one private file, before the sources that the spec names", () => {
    const secrets = { sources: ["vault:secret/teams/llm"], refresh: "5 min" } as const;
    const { secrets: file, classes } = compile({ secrets }, { hasSecrets: true });
    const path = "/state/local/secrets/handlers.json";
    assert.deepEqual(file, { path, content: "{{handlers.secrets}}", mode: "0600" });
    const { environment = {} } = classes[0]?.spawners[0] ?? {};
    assert.equal(environment.TASKFLEET_SECRET_SOURCES, `file:${path},vault:secret/teams/llm`);
    assert.equal(environment.TASKFLEET_SECRET_REFRESH, "300");
    assert.equal(compile().secrets, null);
    assert.ok(!("TASKFLEET_SECRET_SOURCES" in (compile().classes[0]?.spawners[0]?.environment ?? {})));
  });

  it("replaces the workers for other sources, and not for other values", () => {
    assert.notEqual(revision({ secrets: { sources: ["file:/run/a.json"] } }), revision());
    assert.notEqual(revision({}, { hasSecrets: true }), revision());
  });
});

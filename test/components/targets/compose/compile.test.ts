import assert from "node:assert/strict";
import { SpecError } from "../../../../components/spec/errors.ts";
import { UnsupportedError } from "../../../../components/targets/capabilities.ts";
import {
  compiled,
  EXAMPLES,
  example,
  fileOf,
  filledIn,
  parsed,
  serviceOf,
  servicesOf,
  specOf,
} from "./support.ts";

const ALL = [
  ...["worker", "spawner", "watch-queue", "api", "redis", "postgres", "database-setup", "backup"],
  ...["redis-exporter", "alertmanager", "prometheus", "loki", "alloy", "grafana"],
];

describe("the target compose", () => {
  it("has the services of the spec", () => {
    const named = (name: string) => Object.keys(example(name).services);
    const without = (...names: readonly string[]) => ALL.filter((name) => !names.includes(name));
    assert.deepEqual(named("defaults"), ALL);
    assert.deepEqual(named("no record"), without("postgres", "database-setup"));
    assert.deepEqual(named("no API, no backups, nothing that watches"), [
      "worker",
      "spawner",
      "watch-queue",
      "redis",
      "postgres",
      "database-setup",
    ]);
    assert.deepEqual(named("no Grafana, no logs"), without("grafana", "loki", "alloy"));
    assert.deepEqual(named("a database elsewhere"), without("postgres"));
    assert.deepEqual(named("classes, a GPU, another name").slice(0, 6), [
      ...["nova_worker", "spawner", "nova_worker-gpu", "spawner-gpu", "nova_worker-bulk", "spawner-bulk"],
    ]);
  });

  it("tells the provider which services are scaled, which read the shell, and how many there are", () => {
    const plans = compiled(...specOf("classes, a GPU, another name")).services;
    const of = (name: string) => plans.find((plan) => plan.name === name);
    assert.deepEqual(of("nova_worker"), {
      name: "nova_worker",
      scaled: true,
      interpolated: true,
      replicas: 0,
    });
    assert.deepEqual(of("nova_worker-gpu"), {
      ...{ name: "nova_worker-gpu", scaled: true, interpolated: false, replicas: 0 },
    });
    assert.deepEqual(of("spawner-gpu"), {
      name: "spawner-gpu",
      scaled: false,
      interpolated: false,
      replicas: 2,
    });
    assert.deepEqual(of("watch-queue"), {
      name: "watch-queue",
      scaled: false,
      interpolated: true,
      replicas: 1,
    });
  });

  it("takes WORKER_* from the shell for the fleet's own workers, and only for them", () => {
    const { environment } = serviceOf("worker", { worker: { concurrency: 6, maxUptime: "2 h" } });
    const variables = Object.entries(environment ?? {}).filter(([name]) => name.startsWith("WORKER_"));
    assert.deepEqual(Object.fromEntries(variables), {
      WORKER_BATCH_SIZE: filledIn("WORKER_BATCH_SIZE:-8"),
      WORKER_CONCURRENCY: filledIn("WORKER_CONCURRENCY:-6"),
      WORKER_IDLE_EXIT: filledIn("WORKER_IDLE_EXIT:-0"),
      WORKER_MAX_UPTIME: filledIn("WORKER_MAX_UPTIME:-7200"),
      WORKER_POLL_INTERVAL: filledIn("WORKER_POLL_INTERVAL:-2"),
      WORKER_PRESET: filledIn("WORKER_PRESET:-default"),
    });
    const spec = { classes: { gpu: { gpu: 1, worker: { concurrency: 1 } } } };
    assert.equal(serviceOf("worker-gpu", spec).environment?.WORKER_CONCURRENCY, "1");
    // What it starts gets the same: an empty variable counts as none.
    assert.equal(
      serviceOf("watch-queue", spec).environment?.WORKER_CONCURRENCY,
      filledIn("WORKER_CONCURRENCY:-"),
    );
  });

  it("names its workers' revision after their definition and the image, and nothing else", () => {
    const revision = (
      ...[spec, context]: Parameters<typeof serviceOf> extends [string, ...infer R] ? R : never
    ) => serviceOf("worker", spec, context).environment?.TASKFLEET_REVISION ?? "";
    const plain = revision();
    assert.match(plain, /^[0-9a-f]{16}-\$\{TASKFLEET_IMAGE_TAG\}$/);
    assert.equal(revision({ scaling: { max: 3 }, api: { port: 9000 }, redis: { port: 7000 } }), plain);
    const others = [
      revision({ worker: { concurrency: 5 } }),
      revision({ delivery: { retryBase: 9 } }),
      revision({ security: { memory: "1 GiB" } }),
      revision({}, { handlers: { directory: "/h", digest: "1" } }),
      revision({}, { handlers: { directory: "/h", digest: "2" } }),
      revision({}, { hasSecrets: true }),
    ];
    assert.equal(new Set([plain, ...others]).size, others.length + 1);
  });

  it("asks for GPUs as Compose does, and for none where there are none", () => {
    const spec = { classes: { gpu: { gpu: 2 } } };
    assert.deepEqual(serviceOf("worker-gpu", spec).deploy.resources.reservations, {
      memory: "512m",
      devices: [{ driver: "nvidia", count: 2, capabilities: ["gpu"] }],
    });
    assert.deepEqual(serviceOf("worker", spec).deploy.resources.reservations, { memory: "512m" });
  });

  it("gives each class its stream, its workers and its pair of spawners", () => {
    const services = servicesOf({ classes: { gpu: { gpu: 1 } } });
    const stream = (name: string) => services[name]?.environment?.TASKFLEET_QUEUE_NAME;
    assert.deepEqual(["worker", "spawner", "worker-gpu", "spawner-gpu", "api", "backup"].map(stream), [
      ...["peagen.tasks", "peagen.tasks", "peagen.tasks.gpu", "peagen.tasks.gpu"],
      ...["peagen.tasks,peagen.tasks.gpu", "peagen.tasks,peagen.tasks.gpu"],
    ]);
    assert.equal(services["spawner-gpu"]?.deploy.replicas, 2);
    assert.equal(
      services["watch-queue"]?.environment?.TASKFLEET_WATCH,
      "worker=peagen.tasks,worker-gpu=peagen.tasks.gpu",
    );
  });

  it("lets a worker finish its tasks, and never starts one again by itself", () => {
    const { stop_grace_period, restart, environment } = serviceOf("worker", {
      worker: { gracefulShutdownTimeout: "2 min" },
    });
    assert.deepEqual(
      [stop_grace_period, restart, environment?.TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT],
      ["135s", "no", "120"],
    );
    assert.equal(compiled({ worker: { gracefulShutdownTimeout: "2 min" } }).stopSeconds, 135);
  });

  it("waits for servers that answer and for tables that are made", () => {
    const ready = { condition: "service_healthy" };
    const done = { condition: "service_completed_successfully" };
    const services = servicesOf();
    assert.deepEqual(services.worker?.depends_on, { redis: ready });
    assert.deepEqual(services.spawner?.depends_on, { redis: ready, "database-setup": done });
    assert.deepEqual(services["database-setup"]?.depends_on, { postgres: ready });
    const restoring = servicesOf({ backup: { restore: "20261128T093000Z" } });
    assert.deepEqual(restoring.api?.depends_on, {
      ...{ redis: ready, "database-setup": done, "backup-restore": done },
    });
    assert.deepEqual(restoring["backup-restore"]?.depends_on, { redis: ready, "database-setup": done });
    const unwritten = servicesOf({ recordRuns: false });
    assert.deepEqual(unwritten.spawner?.depends_on, { redis: ready });
  });

  it("mounts handlers read-only where they are loaded, and their secrets as a file for workers alone", () => {
    const services = example("handlers and secrets").services;
    const mount = {
      ...{ type: "bind", source: "/srv/my handlers", target: "/handlers", read_only: true },
      bind: { create_host_path: false },
    };
    for (const name of ["worker", "spawner"]) {
      assert.deepEqual(services[name]?.volumes?.[0], mount);
      assert.equal(services[name]?.environment?.TASKFLEET_HANDLERS, "/handlers");
      assert.deepEqual(services[name]?.labels, { "taskfleet.handlers": "abc" });
    }
    assert.equal(
      services.worker?.environment?.TASKFLEET_SECRET_SOURCES,
      "file:/run/secrets/handlers.json,vault:kv/app",
    );
    const holders = Object.entries(services).filter(([, { secrets = [] }]) =>
      secrets.includes("handlers.json"),
    );
    assert.deepEqual(
      holders.map(([name]) => name),
      ["worker"],
    );
  });

  it("reaches a database elsewhere by its address, as those who need it", () => {
    const { services, secrets, networks } = example("a database elsewhere");
    assert.deepEqual(Object.keys(secrets), [
      ...["redis-password", "api-key", "database-url", "database-backup-url"],
      ...["redis-password-map", "grafana-password"],
    ]);
    assert.equal(services.spawner?.environment?.DATABASE_URL_FILE, "/run/secrets/database-url");
    assert.deepEqual(services["database-setup"]?.command, ["db", "status"]);
    for (const name of ["spawner", "api", "database-setup", "backup"])
      assert.ok(services[name]?.networks.includes("egress"), name);
    assert.ok("egress" in networks);
  });

  it("keeps state in volumes, or in the folders that the spec names", () => {
    assert.deepEqual(Object.keys(parsed(compiled()).volumes), [
      ...["history", "redis-data", "postgres-data", "backups"],
      ...["alertmanager-data", "prometheus-data", "loki-data", "alloy-data", "grafana-data"],
    ]);
    const { volumes, services } = example("a restore, and folders of the host");
    assert.ok(!("backups" in volumes) && !("results" in volumes));
    const bind = { create_host_path: false };
    const backups = { type: "bind", source: "/srv/backups", target: "/var/lib/taskfleet/backups", bind };
    assert.deepEqual(services.backup?.volumes, [backups]);
    const results = { type: "bind", source: "/srv/results", target: "/srv/results", bind };
    for (const name of ["worker", "spawner", "api"])
      assert.deepEqual(services[name]?.volumes?.at(-1), results, name);
    assert.ok("results" in parsed(compiled({ delivery: { results: "fs" } })).volumes);
  });

  it("hands secrets over by file, with no value of one in compose.yaml or .env", () => {
    const document = compiled({}, { hasSecrets: true });
    for (const path of ["compose.yaml", ".env"]) {
      const references = fileOf(document, path).match(/\{\{[a-z.-]+\}\}/g);
      assert.equal(references, null, path);
    }
    const named = Object.values(servicesOf()).flatMap(({ environment = {} }) => Object.keys(environment));
    const secret = /PASSWORD|_KEY|_URL$/;
    assert.deepEqual(
      named.filter((name) => secret.test(name) && !/_FILE$/.test(name) && name !== "REDIS_URL"),
      [],
    );
    const modes = document.files.filter(({ path }) => path.startsWith("secrets/")).map(({ mode }) => mode);
    assert.deepEqual(new Set(modes), new Set(["0444"]));
    assert.equal(
      fileOf(document, "secrets/redis-password-map"),
      '{"redis://redis:6379":"{{redis.password}}"}\n',
    );
  });

  it("configures Redis for production, and PostgreSQL with passwords alone", () => {
    const lines = fileOf(compiled({ redis: { maxMemory: "3 GiB" } }), "redis/redis.conf").split("\n");
    const wanted = [
      ...["appendonly yes", "appendfsync everysec", "maxmemory 3221225472", "maxmemory-policy noeviction"],
      ...["tcp-keepalive 300", "timeout 0", "bind 0.0.0.0", "port 6379", 'dir "/data"'],
      "user default reset on #{{redis.password-hash}} ~* &* +@all",
    ];
    assert.deepEqual(
      wanted.filter((line) => !lines.includes(line)),
      [],
    );
    // A child that rewrites the append-only file may come to have a copy of all.
    assert.equal(serviceOf("redis", { redis: { maxMemory: "3 GiB" } }).memswap_limit, "6272m");
    const rules = fileOf(compiled(), "postgres/pg_hba.conf").trim().split("\n");
    assert.ok(rules.every((rule) => rule.endsWith(" scram-sha-256")));
  });

  it("ships logs through the engine where Loki is wanted, and keeps files where it is not", () => {
    const drivers = (services: ReturnType<typeof servicesOf>) =>
      Object.entries(services).flatMap(([name, { logging }]) =>
        logging.driver === "json-file" ? [name] : [],
      );
    assert.deepEqual(drivers(servicesOf()), ["loki", "alloy"]);
    const quiet = servicesOf({ observability: { logs: false } });
    assert.deepEqual(drivers(quiet), Object.keys(quiet));
    const { logging } = serviceOf("worker", { observability: { syslogPort: 1600 } });
    assert.equal(logging.options["syslog-address"], "udp://127.0.0.1:1600");
  });

  it("publishes the API where the spec says, and sends alerts out only where there is a way", () => {
    assert.deepEqual(serviceOf("api", { api: { host: "::1", port: 9000 } }).ports, ["[::1]:9000:8080"]);
    const hook = { observability: { alertWebhook: "http://alerts.internal/hook" } };
    assert.deepEqual(serviceOf("alertmanager", hook).networks, ["monitoring", "egress"]);
    assert.match(
      fileOf(compiled(hook), "observability/alertmanager.yml"),
      /url: http:\/\/alerts\.internal\/hook/,
    );
  });

  it("takes dollars as they are", () => {
    const { environment } = serviceOf("worker", { execute: { readable: ["/opt/$HOME"] } });
    assert.equal(environment?.TASKFLEET_EXECUTE_READABLE, "/opt/$$HOME");
  });

  it("refuses what Compose cannot express, with the nearest that it can", () => {
    const refused = (spec: Parameters<typeof compiled>[0]) => {
      try {
        compiled(spec);
      } catch (error) {
        assert.ok(error instanceof UnsupportedError);
        return error.message;
      }
      return "";
    };
    const message = refused({
      execute: { backEnd: "broker", broker: "/run/broker.sock" },
      secrets: { sources: ["file:/etc/keys.json"] },
      tracing: { enabled: true },
    });
    assert.deepEqual(message.match(/^ {2}[a-zA-Z.]+/gm), [
      ...["  execute.backEnd", "  secrets.sources", "  tracing.otlpEndpoint"],
    ]);
    assert.match(message, /the broker holds the engine's socket.*Nearest: execute\.backEnd: "auto"/);
    assert.equal(refused({ tracing: { enabled: true, otlpEndpoint: "http://collector:4318" } }), "");
  });

  it("refuses two services of one name", () => {
    const twins = () => compiled({ worker: { service: "spawner" } });
    assert.throws(twins, (error: SpecError) => {
      assert.ok(error instanceof SpecError);
      assert.deepEqual(error.problems[0]?.path, "worker.service");
      assert.match(error.message, /no two services are called spawner/);
      return true;
    });
    assert.throws(() => compiled({ worker: { service: "watch" }, classes: { queue: {} } }), /watch-queue/);
  });

  it("is the same text for the same spec", () => {
    for (const [spec, context] of Object.values(EXAMPLES))
      assert.deepEqual(compiled(spec, context), compiled(spec, context));
  });
});

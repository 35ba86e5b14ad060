/** One row of `taskfleet test`. */
export interface Suite {
  readonly name: string;
  /** What it tests, in a few words. */
  readonly what: string;
  /** Globs, from the project's root, of the files that decide whether it has to run again. */
  readonly inputs: readonly string[];
  /** Arguments for Node 24, run in the project's root. */
  readonly command: readonly string[];
  /** Takes minutes: unchanged, it is skipped in CI too. */
  readonly heavy: boolean;
  /** Its tests bring up Compose projects: Docker Compose is built first where there is none. */
  readonly compose?: true;
  /** Beyond this it hangs, and fails. */
  readonly timeoutMinutes: number;
}

/** Mocha over the test files in these folders of `test/`. */
function mocha(...folders: readonly string[]): readonly string[] {
  const specs = folders.map((folder) => `test/${folder}/**/*.test.ts`);
  return ["node_modules/mocha/bin/mocha.js", "--reporter", "test/count-reporter.ts", ...specs];
}

/** The worker package's sources, and the helpers of its tests. */
const WORKER = [
  ...["worker/**/*.ts", "worker/**/*.lua", "worker/package.json"],
  ...["test/support/**", "components/platform/{redis,postgres}-server.ts", "components/find-on-path.ts"],
];

/** The sandbox's helper and where it is found. */
const SANDBOX_HELPER = [
  "worker/sandbox/**",
  ...["components/sandbox-helper.ts", "components/paths.ts", "components/hosts/errors.ts"],
];

/** All suites, in the order in which they run. */
export const SUITES: readonly Suite[] = [
  {
    name: "check",
    what: "format, lint, import rules and types",
    inputs: ["**/*.{ts,mts,cjs,json}"],
    command: ["components/cli/main.ts", "check"],
    heavy: false,
    timeoutMinutes: 5,
  },
  {
    name: "unit",
    what: "the worker's pure parts, its configuration and the scaling law",
    inputs: [...WORKER, "docs/{configuration,sandbox}.md", "test/{core,config,scaling}/**"],
    command: mocha("core", "config", "scaling"),
    heavy: false,
    timeoutMinutes: 5,
  },
  {
    name: "queue",
    what: "the queue's scripts on a real Redis",
    inputs: [...WORKER, "test/queue/**"],
    command: mocha("queue"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "results",
    what: "back ends of results: Redis and files, on full disks too",
    inputs: [
      ...[...WORKER, ...SANDBOX_HELPER],
      ...[
        "test/results/**",
        "test/worker/{support,fixtures}/**",
        "test/cli/{fleet,support}.ts",
        "test/api/{support,conformance}.ts",
        "test/api/sessions/support.ts",
        "examples/handlers/**",
      ],
    ],
    command: mocha("results"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "worker",
    what: "the worker and its supervisor",
    inputs: [...WORKER, ...SANDBOX_HELPER, "test/worker/**"],
    command: mocha("worker"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "secrets",
    what: "secrets: sources, rotation, redaction, what a start requires",
    inputs: [...WORKER, ...["test/secrets/**", "test/worker/support/**", "test/worker/fixtures/**"]],
    command: mocha("secrets"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "tracing",
    what: "traces from push to result, trace ids in logs, the history of executions",
    inputs: [
      ...WORKER,
      ...["test/tracing/**", "test/secrets/fixtures/**", "test/http/certificate.ts", "test/api/**"],
      ...["test/worker/support/**", "test/worker/fixtures/**"],
    ],
    command: mocha("tracing"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "outside",
    what: "calls of services outside: circuit breakers and the handler http",
    inputs: [...WORKER, "test/{circuit,http}/**", "test/worker/support/**", "test/worker/fixtures/**"],
    command: mocha("circuit", "http"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "spawner",
    what: "the spawner: leadership, metrics, starting and stopping of workers; the pure parts of watch-queue",
    inputs: [...WORKER, "test/spawner/**", "test/watcher/**"],
    command: mocha("spawner", "watcher"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "record",
    what: "the record of runs: its database, the recorder, its commands",
    inputs: [...WORKER, "test/{record,postgres}/**", "test/cli/support.ts", "test/worker/support/**"],
    command: mocha("record", "postgres"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "backup",
    what: "backups: made, verified, restored into empty servers, kept",
    inputs: [...WORKER, "test/backup/**", "test/record/support.ts", "test/cli/support.ts"],
    command: mocha("backup"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "cli",
    what: "the queue's command line",
    inputs: [...WORKER, "examples/**", "test/cli/**"],
    command: mocha("cli"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "operators",
    what: "doctor, loadtest, and the pages for operators",
    inputs: [
      ...WORKER,
      ...["docs/{operations,names}.md", "examples/handlers/**", "test/operators/**", "test/cli/**"],
    ],
    command: mocha("operators"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "api",
    what: "the API: keys, rate limit, routes, errors, its document, sessions",
    inputs: [...WORKER, "docs/api.md", "test/api/**", "test/record/support.ts", "test/cli/support.ts"],
    command: mocha("api"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "sandbox",
    what: "untrusted programs in every sandbox that this machine can make",
    inputs: [
      ...WORKER,
      ...SANDBOX_HELPER,
      ...["components/cli/go-toolchain.ts", "components/cli/run-command.ts"],
      ...["examples/hostile/**", "test/sandbox/**"],
    ],
    command: mocha("sandbox"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "components",
    what: "spec, targets and the provider for host processes",
    inputs: [
      ...WORKER,
      "components/**",
      "worker/Dockerfile*",
      "stacks/**",
      "examples/**",
      "examples/hostile/**",
      ...["dashboards/**", "infra/examples/**", "taskfleet", "test/components/**"],
    ],
    command: mocha("components"),
    heavy: false,
    timeoutMinutes: 10,
  },
  {
    name: "dashboards",
    what: "boards and alerts: drift, limits, and every query on a real Prometheus that scrapes a real fleet",
    inputs: [
      ...WORKER,
      ...["dashboards/**", "docs/runbooks/*.md", "docs/observability.md", "components/platform/**"],
      ...["test/dashboards/**", "test/{backup,record,cli}/support.ts", "test/sandbox/support/**"],
      ...["components/paths.ts", "components/hosts/errors.ts"],
    ],
    command: mocha("dashboards"),
    heavy: true,
    timeoutMinutes: 10,
  },
  {
    name: "launcher",
    what: "the launcher, set-up, taskfleet env and test, state locks",
    // All tests, for the test that compares each suite's imports with its inputs.
    inputs: ["taskfleet", "biome.json", ...WORKER, "components/**", "tools/**", "test/**/*.ts"],
    command: mocha("launcher"),
    heavy: false,
    timeoutMinutes: 5,
  },
  {
    name: "engine",
    what: "the Node.js language host, by itself and under the real Pulumi engine",
    inputs: [
      ...["tools/**", "components/cli/**", "components/*.ts", "components/hosts/errors.ts"],
      ...["worker/contract/**", "test/engine/**", "test/support/**"],
    ],
    command: mocha("engine"),
    heavy: true,
    timeoutMinutes: 15,
  },
  {
    name: "failover",
    what: "servers for production: Sentinel, Cluster, replicated pushes, a PostgreSQL standby, two regions",
    inputs: [...WORKER, "examples/handlers/**", "test/failover/**", "test/record/support.ts", "test/cli/**"],
    command: mocha("failover"),
    heavy: true,
    timeoutMinutes: 10,
  },
  {
    name: "container",
    what: "the sandbox inside a hardened container of a real engine, and the broker's containers",
    inputs: [
      ...WORKER,
      ...[
        "worker/sandbox/**",
        "components/**",
        "examples/hostile/**",
        "test/sandbox/**",
        "test/container/**",
      ],
    ],
    command: mocha("container"),
    heavy: true,
    timeoutMinutes: 10,
  },
  {
    name: "image",
    what: "the project's images: built twice, run hardened, built and pushed by a stack",
    inputs: [
      ...WORKER,
      ...[
        "worker/Dockerfile*",
        "worker/image/*.sh",
        "worker/sandbox/**",
        "package-lock.json",
        "components/**",
      ],
      ...["tools/**", "examples/handlers/**", "test/image/**", "test/standins/**", "test/cli/**"],
      ...["test/sandbox/**", "test/backup/**", "test/record/support.ts"],
    ],
    command: mocha("image"),
    heavy: true,
    compose: true,
    timeoutMinutes: 30,
  },
  {
    name: "verify",
    what: "the proof that what runs is confined, on real containers and workers",
    inputs: [
      ...[...WORKER, ...SANDBOX_HELPER],
      ...["components/**", "infra/examples/verify-nonroot.sh", "test/verify/**", "test/sandbox/support/**"],
      "test/worker/{support,fixtures}/**",
    ],
    command: mocha("verify"),
    heavy: true,
    timeoutMinutes: 15,
  },
  {
    name: "compose",
    what: "Compose projects on a real engine, here and over SSH: up, drift, rolling, down",
    inputs: [
      ...WORKER,
      ...["worker/Dockerfile*", "worker/sandbox/**", "package-lock.json", "components/**", "stacks/**"],
      ...["examples/**", "tools/**", "dashboards/**", "Pulumi.yaml", "taskfleet", "test/compose/**"],
      ...["test/components/targets/compose/**", "test/sandbox/support/**"],
    ],
    command: mocha("compose"),
    compose: true,
    heavy: true,
    timeoutMinutes: 30,
  },
  {
    name: "watch",
    what: "watch-queue: workers of a Compose project on a real engine, started, drained, counted, replaced",
    inputs: [
      ...WORKER,
      ...["worker/Dockerfile*", "worker/image/**", "worker/sandbox/**", "package-lock.json"],
      ...["components/**", "test/sandbox/**", "test/watch/**", "docs/adr/0024*.md"],
    ],
    command: mocha("watch"),
    heavy: true,
    timeoutMinutes: 20,
  },
  {
    name: "local",
    what: "a real pulumi up of stack local: tasks, healing, rolling, down",
    inputs: [
      ...WORKER,
      "components/**",
      "stacks/**",
      "examples/**",
      "tools/**",
      "Pulumi.yaml",
      "taskfleet",
      "test/local/**",
    ],
    command: mocha("local"),
    heavy: true,
    timeoutMinutes: 20,
  },
];

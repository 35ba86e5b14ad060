import assert from "node:assert/strict";
import { parseEnv } from "node:util";
import type { FleetSpec } from "../../../components/spec/fleet-spec.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import { local } from "../../../components/targets/local/compile.ts";
import type { LocalContext } from "../../../components/targets/local/document.ts";
import { type OutsideUrl, outsideProblem } from "../../../components/targets/outside-urls.ts";
import { referencesIn } from "../../../components/targets/references.ts";
import { CONTEXT, hex } from "./context.ts";

const compile = (spec: FleetSpec = {}, context: Partial<LocalContext> = {}) =>
  local.compile(resolveFleet(spec, "local"), { ...CONTEXT, ...context });
const APP = {
  PGHOST: "127.0.0.1",
  PGPORT: "{{postgres.port}}",
  PGUSER: "taskfleet_app",
  PGDATABASE: "taskfleet",
  PGPASSWORD_FILE: "/state/local/secrets/postgres-app-password",
};
const OWNERS = {
  TASKFLEET_DATABASE_ADMIN_URL_FILE: "/state/local/secrets/database-admin-url",
  TASKFLEET_DATABASE_MIGRATE_URL_FILE: "/state/local/secrets/database-migrate-url",
  TASKFLEET_DATABASE_BACKUP_URL_FILE: "/state/local/secrets/database-backup-url",
};

/** What the variables say about the database. */
function databasePart(environment: Readonly<Record<string, string>> = {}) {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => /^PG|DATABASE|TABLE_PREFIX/.test(name)),
  );
}

describe("PostgreSQL of the target local", () => {
  it("is a server on the usual port or the spec's, stopped by a fast shutdown, with its data kept", () => {
    const server = compile().database?.server;
    assert.deepEqual(server?.args, ["/state/local/postgres/start.sh"]);
    assert.deepEqual(server?.port, { kind: "preferred", port: 5432 });
    assert.deepEqual([server?.stop.signal, server?.deleteData], ["SIGINT", false]);
    assert.deepEqual(server?.ready, { kind: "postgres", user: "taskfleet_admin", timeoutSeconds: 300 });
    assert.deepEqual(server?.data, ["/state/local/postgres/cluster"]);
    assert.deepEqual(compile({ database: { port: 7000 } }).database?.server.port, {
      kind: "demanded",
      port: 7000,
    });
  });

  it("keeps passwords in private files, and out of the script and command lines", () => {
    const {
      files = [],
      args = [],
      environment,
    } = compile({ database: { tablePrefix: "acme_" } }).database?.server ?? {};
    const secrets = files.filter(({ content }) => referencesIn(content).length > 0);
    assert.deepEqual(
      secrets.map(({ path, content, mode }) => [path.replace("/state/local/secrets/", ""), content, mode]),
      [
        ["postgres-admin-password", "{{postgres.admin-password}}", "0600"],
        ["postgres-app-password", "{{postgres.app-password}}", "0600"],
        [
          "database-admin-url",
          "postgresql://taskfleet_admin:{{postgres.admin-password}}@127.0.0.1:{port}/postgres",
          "0600",
        ],
        [
          "database-migrate-url",
          "postgresql://acme_taskfleet_migrate:{{postgres.migrate-password}}@127.0.0.1:{port}/taskfleet",
          "0600",
        ],
        [
          "database-backup-url",
          "postgresql://acme_taskfleet_backup:{{postgres.backup-password}}@127.0.0.1:{port}/taskfleet",
          "0600",
        ],
      ],
    );
    assert.deepEqual([...args, ...Object.values(environment ?? {})].flatMap(referencesIn), []);
  });

  it("is set up by the worker's own command, again for another worker, prefix or start of the server", () => {
    const setup = compile().database?.setup;
    assert.deepEqual(setup?.args, [`/state/local/bundles/${hex}/main.mjs`, "db", "setup"]);
    assert.deepEqual(setup?.environment, { ...APP, ...OWNERS });
    assert.equal(
      setup?.trigger,
      `sha256:${hex} taskfleet_migrate taskfleet_app taskfleet_backup {{postgres.start}}`,
    );
    const prefixed = compile({ database: { tablePrefix: "acme_" } }).database?.setup;
    assert.equal(prefixed?.environment.TASKFLEET_TABLE_PREFIX, "acme_");
    assert.notEqual(prefixed?.trigger, setup?.trigger);
    assert.equal(compile({ database: { retention: "1 d" } }).database?.setup.trigger, setup?.trigger);
  });

  it("gives spawners and API the application's role alone, and how they use it", () => {
    const { classes, api } = compile({ database: { poolSize: 3, retention: "7 d", tablePrefix: "acme_" } });
    const expected = { ...APP, PGUSER: "acme_taskfleet_app", TASKFLEET_TABLE_PREFIX: "acme_" };
    const spawner = classes[0]?.spawners[0]?.environment;
    assert.deepEqual(databasePart(spawner), expected);
    assert.deepEqual(databasePart(api?.environment), expected);
    assert.deepEqual([spawner?.TASKFLEET_POOL_SIZE, spawner?.TASKFLEET_RETENTION], ["3", "604800"]);
  });

  it("tells clients where the record is, in a file beside the queue's", () => {
    const file = compile().database?.server.files.find(({ path }) => path === CONTEXT.paths.databaseEnv);
    assert.deepEqual(
      { ...parseEnv(file?.content ?? "") },
      {
        ...APP,
        ...OWNERS,
        PGPORT: "{port}",
        TASKFLEET_RETENTION: "2592000",
        TASKFLEET_RETENTION_MODE: "delete",
      },
    );
  });

  it("is left out with recordRuns: false, and nobody is told of a database", () => {
    const { database, api, classes, redis } = compile({ recordRuns: false });
    assert.equal(database, null);
    const environments = [
      api?.environment,
      ...classes.flatMap(({ spawners }) => spawners.map((one) => one.environment)),
    ];
    assert.deepEqual(environments.map(databasePart), [{}, {}, {}]);
    assert.deepEqual(redis, compile().redis);
  });
});

describe("a database elsewhere, for the target local", () => {
  const outside = (...urls: readonly OutsideUrl[]) => ({ outsideDatabase: urls });
  const APP_URL = { DATABASE_URL_FILE: "/state/local/secrets/database-url" };

  it("is reached by spawners and API by a file that holds its address, and no server is started", () => {
    const { database, api, classes } = compile({}, outside("databaseUrl"));
    assert.equal(database, null);
    const spawners = classes.flatMap(({ spawners }) => spawners);
    for (const { environment } of [...spawners, ...(api === null ? [] : [api])])
      assert.deepEqual(databasePart(environment), APP_URL);
    assert.equal(compile({ recordRuns: false }, outside("databaseUrl")).outsideDatabase, null);
    assert.equal(compile().outsideDatabase, null);
  });

  it("has its addresses in private files, and nowhere else", () => {
    const setup = compile({}, outside("databaseUrl", "databaseMigrateUrl")).outsideDatabase;
    assert.deepEqual(setup?.files, [
      { path: "/state/local/secrets/database-url", content: "{{database.url}}", mode: "0600" },
      {
        path: "/state/local/secrets/database-migrate-url",
        content: "{{database.migrate-url}}",
        mode: "0600",
      },
      {
        path: "/state/local/database.env",
        content:
          "DATABASE_URL_FILE=/state/local/secrets/database-url\n" +
          "TASKFLEET_DATABASE_MIGRATE_URL_FILE=/state/local/secrets/database-migrate-url\n" +
          "TASKFLEET_RETENTION=2592000\nTASKFLEET_RETENTION_MODE=delete\n",
        mode: "0600",
      },
    ]);
    const { files: _, trigger, ...rest } = setup ?? {};
    assert.deepEqual(referencesIn(JSON.stringify(rest)), []);
    assert.deepEqual(referencesIn(trigger ?? ""), []);
  });

  it("is set up, brought up to date or looked at, by the addresses that are given", () => {
    const done = (...urls: readonly OutsideUrl[]) =>
      compile({}, outside(...urls)).outsideDatabase?.args.slice(1);
    assert.deepEqual(done("databaseUrl"), ["db", "status"]);
    assert.deepEqual(done("databaseUrl", "databaseMigrateUrl"), ["db", "migrate"]);
    const all = ["databaseUrl", "databaseMigrateUrl", "databaseBackupUrl", "databaseAdminUrl"] as const;
    assert.deepEqual(done(...all), ["db", "setup"]);
    const prefixed = compile({ database: { tablePrefix: "acme_" } }, outside("databaseUrl")).outsideDatabase;
    assert.equal(prefixed?.environment.TASKFLEET_TABLE_PREFIX, "acme_");
    assert.notEqual(prefixed?.trigger, compile({}, outside("databaseUrl")).outsideDatabase?.trigger);
  });

  it("is refused when an address is missing that another needs", () => {
    const problem = (urls: readonly string[], spec: FleetSpec = {}) =>
      outsideProblem(urls, resolveFleet(spec, "local"));
    assert.equal(problem([]), undefined);
    assert.equal(problem(["databaseUrl", "databaseBackupUrl"]), undefined);
    assert.equal(problem(["databaseUrl"], { backup: { enabled: false } }), undefined);
    assert.equal(problem(["databaseUrl"], { recordRuns: false }), undefined);
    assert.match(
      problem(["databaseUrl"]) ?? "",
      /^backups would lack the record: set taskfleet:databaseBackupUrl/,
    );
    assert.match(
      problem(["databaseUrl", "databaseBackupUrl"], { backup: { restore: "20261128T093000Z" } }) ?? "",
      /^backup\.restore would leave out the record: set taskfleet:databaseMigrateUrl/,
    );
    assert.equal(
      problem(["databaseMigrateUrl"]),
      "taskfleet:databaseMigrateUrl is set without taskfleet:databaseUrl, the address of the application's role: set it (--secret)",
    );
    assert.equal(
      problem(["databaseUrl", "databaseAdminUrl", "databaseMigrateUrl"]),
      "taskfleet:databaseAdminUrl is for making all roles: set taskfleet:databaseBackupUrl too (--secret), or unset it",
    );
  });
});

describe("the API of the target local", () => {
  it("serves all streams, without its database too, and has its key in a file", () => {
    const { api } = compile({ classes: { heavy: {} }, api: { rate: 7 } });
    assert.deepEqual(api?.args, [`/state/local/bundles/${hex}/main.mjs`, "api"]);
    assert.deepEqual(api?.port, { kind: "preferred", port: 8080 });
    assert.deepEqual(api?.ready, { kind: "http", path: "/health/ready?only=redis", timeoutSeconds: 60 });
    const { environment = {}, files = [] } = api ?? {};
    const names = [
      "TASKFLEET_QUEUE_NAME",
      "TASKFLEET_API_PORT",
      "TASKFLEET_API_RATE",
      "TASKFLEET_API_KEY_FILE",
    ];
    assert.deepEqual(
      names.map((name) => environment[name]),
      ["peagen.tasks,peagen.tasks.heavy", "{port}", "7", "/state/local/secrets/api-key"],
    );
    assert.deepEqual(files, [
      { path: "/state/local/secrets/api-key", content: "{{api.key}}", mode: "0600" },
      {
        path: "/state/local/api.env",
        content:
          "TASKFLEET_API_URL=http://127.0.0.1:{port}\nTASKFLEET_API_KEY_FILE=/state/local/secrets/api-key\n",
        mode: "0600",
      },
    ]);
  });

  it("is left out where the spec says so", () => {
    assert.equal(compile({ api: { enabled: false } }).api, null);
  });
});

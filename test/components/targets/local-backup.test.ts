import assert from "node:assert/strict";
import type { FleetSpec } from "../../../components/spec/fleet-spec.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import { local } from "../../../components/targets/local/compile.ts";
import type { LocalContext } from "../../../components/targets/local/document.ts";
import { CONTEXT, hex } from "./context.ts";

const compile = (spec: FleetSpec = {}, context: Partial<LocalContext> = {}) =>
  local.compile(resolveFleet(spec, "local"), { ...CONTEXT, ...context });

/** What the variables say of the servers and the backups. */
function part(environment: Readonly<Record<string, string>> = {}) {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => /REDIS|DATABASE|PG|BACKUP|RESTORE|QUEUE/.test(name)),
  );
}

const OWN = {
  REDIS_URL: "redis://{{redis.address}}",
  REDIS_PASSWORD_FILE: "/state/local/secrets/redis-password",
  TASKFLEET_QUEUE_NAME: "peagen.tasks",
  TASKFLEET_DATABASE_BACKUP_URL_FILE: "/state/local/secrets/database-backup-url",
  TASKFLEET_BACKUP_DIRECTORY: "/state/backups/local",
  TASKFLEET_BACKUP_EVERY: "86400",
  TASKFLEET_BACKUP_KEEP: "7",
  TASKFLEET_BACKUP_PROGRAMS: "/lib/postgresql/bin",
};

describe("backups of the target local", () => {
  it("are made by a process of their own, the only one with the backup role, outside of the stack's folder", () => {
    const { backup, api, classes } = compile();
    assert.deepEqual(backup?.args, [`/state/local/bundles/${hex}/main.mjs`, "backup", "run"]);
    assert.deepEqual(part(backup?.environment), OWN);
    const others = [
      api?.environment,
      ...classes.flatMap(({ spawners }) => spawners.map((one) => one.environment)),
    ];
    for (const environment of others)
      assert.ok(!Object.keys(environment ?? {}).some((name) => /BACKUP/.test(name)));
  });

  it("go by the spec: how often, how many, where, of which streams, without a record, or not at all", () => {
    const spec = {
      backup: { every: "6 h", keep: 28, directory: "/backups/acme" },
      classes: { gpu: {} },
    } as const;
    assert.deepEqual(part(compile(spec).backup?.environment), {
      ...OWN,
      ...{ TASKFLEET_BACKUP_EVERY: "21600", TASKFLEET_BACKUP_KEEP: "28" },
      ...{
        TASKFLEET_BACKUP_DIRECTORY: "/backups/acme",
        TASKFLEET_QUEUE_NAME: "peagen.tasks,peagen.tasks.gpu",
      },
    });
    const { TASKFLEET_DATABASE_BACKUP_URL_FILE: _, TASKFLEET_BACKUP_PROGRAMS: __, ...half } = OWN;
    const unrecorded = compile({ recordRuns: false }, { postgresPrograms: "" });
    assert.deepEqual(part(unrecorded.backup?.environment), half);
    assert.equal(compile({ backup: { enabled: false } }).backup, null);
    assert.throws(
      () => resolveFleet({ backup: { directory: "backups", keep: 0, restore: "newest", often: 1 } }, "local"),
      (error: Error) => {
        const refused = ["backup.keep", "backup.directory", "backup.restore", "backup.often"];
        return refused.every((path) => error.message.includes(path));
      },
    );
  });

  it("fill new servers once, before anybody uses them, when the spec names one", () => {
    assert.equal(compile().restore, null);
    const { restore } = compile({ backup: { restore: "20261128T093000Z" } });
    assert.deepEqual(restore?.args.slice(1), ["backup", "restore", "20261128T093000Z", "--if-empty"]);
    assert.equal(restore?.trigger, "20261128T093000Z {{redis.address}}");
    assert.deepEqual(part(restore?.environment), {
      ...OWN,
      TASKFLEET_RESTORE_REDIS_URL: "redis://{{redis.address}}",
      TASKFLEET_RESTORE_REDIS_PASSWORD_FILE: "/state/local/secrets/redis-password",
      TASKFLEET_RESTORE_DATABASE_URL_FILE: "/state/local/secrets/database-migrate-url",
    });
  });

  it("has of a database elsewhere what its roles' addresses let it have", () => {
    const variable = "TASKFLEET_DATABASE_BACKUP_URL_FILE";
    const environment = (urls: LocalContext["outsideDatabase"]) =>
      compile({}, { outsideDatabase: urls, postgresPrograms: "" }).backup?.environment ?? {};
    assert.equal(environment(["databaseUrl"])[variable], undefined);
    assert.equal(
      environment(["databaseUrl", "databaseBackupUrl"])[variable],
      "/state/local/secrets/database-backup-url",
    );
  });
});

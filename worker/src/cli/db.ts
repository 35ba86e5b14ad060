import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Database } from "../adapters/postgres/database.ts";
import type { Settings } from "../config/load-settings.ts";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly json?: boolean;
}

/** `db`: the database of the record. */
export function define(command: Command, ends: Action): void {
  examples(command, [["% db status", "whether the tables are of this version"]]);
  const setup = command
    .command("setup")
    .description("make the database, its three roles and its tables; brings what is there up to date")
    .action(() => ends(withSettings(setUp)));
  setup.addHelpText(
    "after",
    "\nReads TASKFLEET_DATABASE_ADMIN_URL, DATABASE_URL, TASKFLEET_DATABASE_MIGRATE_URL and " +
      "TASKFLEET_DATABASE_BACKUP_URL.",
  );
  examples(setup, [["% db setup", "once for each database; again after a password changed"]]);
  const migrate = command
    .command("migrate")
    .description("bring the tables to this version")
    .action(() => ends(withSettings(runMigrations)));
  migrate.addHelpText("after", "\nReads TASKFLEET_DATABASE_MIGRATE_URL, or else DATABASE_URL.");
  examples(migrate, [["% db migrate", "before a new version of spawner and API is started"]]);
  const status = command
    .command("status")
    .description("say which migrations were done; exit 1 when one is missing")
    .option("--json", "one JSON object")
    .action((options: Options) => ends(withSettings((settings) => showStatus(settings, options))));
  examples(status, [["% db status", "whether `db migrate` has something to do"]]);
}

type CliSettings = Settings<"cli">;

async function withSettings(work: (settings: CliSettings) => Promise<number>): Promise<number> {
  const { loadSettings } = await import("../config/load-settings.ts");
  return work(loadSettings(process.env, "cli"));
}

async function setUp(settings: CliSettings): Promise<number> {
  const { setUpRoles } = await import("../adapters/postgres/roles.ts");
  const { databaseAddress } = await import("../adapters/postgres/connection-string.ts");
  const app = await recordUrl(settings);
  const migrate = await demand("TASKFLEET_DATABASE_MIGRATE_URL", settings.databaseMigrateUrl);
  const backup = await demand("TASKFLEET_DATABASE_BACKUP_URL", settings.databaseBackupUrl);
  const admin = await demand("TASKFLEET_DATABASE_ADMIN_URL", settings.databaseAdminUrl);
  await setUpRoles(admin, { app, migrate, backup }, settings.tablePrefix);
  process.stdout.write(`roles of ${databaseAddress(app)} are ready\n`);
  return runMigrations(settings);
}

async function runMigrations(settings: CliSettings): Promise<number> {
  const url = settings.databaseMigrateUrl === "" ? await recordUrl(settings) : settings.databaseMigrateUrl;
  return withDatabase(url, async (database) => {
    const { migrate } = await import("../adapters/postgres/migrate.ts");
    const done = await migrate(database, settings.tablePrefix);
    for (const name of done) process.stdout.write(`migrated ${name}\n`);
    if (done.length === 0) process.stdout.write(`${database.address}: nothing to migrate\n`);
    return EXIT.ok;
  });
}

async function showStatus(settings: CliSettings, options: Options): Promise<number> {
  return withDatabase(await recordUrl(settings), async (database) => {
    const { migrationState } = await import("../adapters/postgres/migrate.ts");
    const { done, missing, unknown } = await migrationState(database, settings.tablePrefix);
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ address: database.address, done, missing, unknown })}\n`);
    } else {
      const newer = (name: string) => (unknown.includes(name) ? " (of a newer version)" : "");
      for (const name of done) process.stdout.write(`done     ${name}${newer(name)}\n`);
      for (const name of missing) process.stdout.write(`missing  ${name}\n`);
    }
    return missing.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

async function recordUrl(settings: CliSettings): Promise<string> {
  const { databaseUrl } = await import("../adapters/postgres/connection-string.ts");
  return demand("DATABASE_URL", databaseUrl(settings));
}

async function demand(name: string, value: string): Promise<string> {
  if (value !== "") return value;
  const { CliError } = await import("./report-error.ts");
  throw new CliError(`${name} is not set`, EXIT.usage, "docs/record.md says which role each URL is for");
}

async function withDatabase(url: string, work: (database: Database) => Promise<number>): Promise<number> {
  const postgres = await import("../adapters/postgres/database.ts");
  return postgres.withDatabase(url, work);
}

import { databaseNames, databaseRoles } from "../../../contract/database.ts";
import { MigrationsMissingError } from "../../ports/activity-store.ts";
import type { Database, Queries } from "./database.ts";
import { MIGRATIONS } from "./migrations/index.ts";
import { translate } from "./translate-error.ts";

export interface MigrationState {
  /** Names, in their order. */
  readonly done: readonly string[];
  readonly missing: readonly string[];
  /** Done, but not known to this version: a newer one was here. */
  readonly unknown: readonly string[];
}

/** Runs the steps that the database lacks, all of them or none; returns their names. */
export async function migrate(database: Database, prefix: string): Promise<readonly string[]> {
  const [{ Kysely, PostgresDialect, sql }, { Migrator }] = await Promise.all([
    import("kysely"),
    import("kysely/migration"),
  ]);
  const names = databaseNames(prefix);
  // The migrator takes connections as the pool makes them, which after this is at the server that can be written to.
  await database.query("SELECT 1");
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: database.pool }) });
  const steps = MIGRATIONS.map(({ name, sql: text }) => [
    name,
    {
      async up(on: typeof db) {
        await sql.raw(text(prefix)).execute(on);
      },
    },
  ]);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(steps) },
    migrationTableName: names.migrations,
    migrationLockTableName: names.migrationsLock,
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw translate(error, database.address);
  await database.query(keepFromApp(prefix));
  return (results ?? []).filter(({ status }) => status === "Success").map((result) => result.migrationName);
}

/** The application's role reads what was migrated and changes nothing of it; there may be no such role. */
function keepFromApp(prefix: string): string {
  const { migrations, migrationsLock } = databaseNames(prefix);
  const { app } = databaseRoles(prefix);
  return `DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '${app}') AND
    EXISTS (SELECT FROM pg_class WHERE oid = '${migrations}'::regclass AND relowner = current_user::regrole) THEN
    REVOKE INSERT, UPDATE, DELETE ON ${migrations}, ${migrationsLock} FROM ${app};
  END IF;
END $$`;
}

/** What was done and what is missing. */
export async function migrationState(database: Queries, prefix: string): Promise<MigrationState> {
  const known = MIGRATIONS.map(({ name }) => name);
  const done = await doneMigrations(database, prefix);
  return {
    done,
    missing: known.filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !known.includes(name)),
  };
}

async function doneMigrations(database: Queries, prefix: string): Promise<readonly string[]> {
  const { migrations } = databaseNames(prefix);
  try {
    const rows = await database.query<{ name: string }>(`SELECT name FROM ${migrations} ORDER BY name`);
    return rows.map(({ name }) => name);
  } catch (error) {
    if (error instanceof MigrationsMissingError) return [];
    throw error;
  }
}

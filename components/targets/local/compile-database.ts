import { join } from "node:path";
import { databaseRoles } from "../../../worker/contract/database.ts";
import type { CommandInputs } from "../../hosts/host-command.ts";
import type { HostFile, ProcessInputs } from "../../hosts/process-inputs.ts";
import { POSTGRES_ADMIN, postgresStartScript } from "../../platform/postgres.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import {
  type Environment,
  type SettingValues,
  secretFileVariable,
  toEnvironment,
} from "../../spec/to-environment.ts";
import { envFile, PRIVATE } from "../env-file.ts";
import { REFERENCES } from "../references.ts";
import type { LocalContext, LocalDatabase } from "./document.ts";
import { outsideEnvironment } from "./outside-database.ts";

/** The record's database in the stack's server. */
const DATABASE = "taskfleet";
const HOST = "127.0.0.1";
/** After a crash the server goes through its log of writes first. */
const READY_SECONDS = 300;
const STOP_SECONDS = 60;
const SETUP_SECONDS = 120;

/** Where passwords, and addresses with one, stand. */
export function databaseUrlFiles({ paths: { secrets } }: LocalContext) {
  return {
    adminPassword: join(secrets, "postgres-admin-password"),
    appPassword: join(secrets, "postgres-app-password"),
    adminUrl: join(secrets, "database-admin-url"),
    migrateUrl: join(secrets, "database-migrate-url"),
    backupUrl: join(secrets, "database-backup-url"),
  };
}

function address(user: string, password: string, database: string): string {
  return `postgresql://${user}:${password}@${HOST}:{port}/${database}`;
}

/**
 * How a process reaches the record as the application's role; nothing where runs are not recorded. `port`: text, or a
 * reference.
 */
export function databaseEnvironment(fleet: ResolvedFleet, context: LocalContext, port: string): Environment {
  if (!fleet.recordRuns) return {};
  if (context.outsideDatabase !== null) return outsideEnvironment(context);
  const settings: SettingValues = {
    pgHost: HOST,
    pgPort: port,
    pgUser: databaseRoles(fleet.database.tablePrefix).app,
    pgDatabase: DATABASE,
  };
  return {
    ...toEnvironment(settings),
    [secretFileVariable("pgPassword")]: databaseUrlFiles(context).appPassword,
  };
}

/** What `taskfleet db` needs beside that. */
function ownersEnvironment(fleet: ResolvedFleet, context: LocalContext): Environment {
  const { adminUrl, migrateUrl, backupUrl } = databaseUrlFiles(context);
  const { tablePrefix } = fleet.database;
  return {
    ...toEnvironment(tablePrefix === "" ? {} : { tablePrefix }),
    [secretFileVariable("databaseAdminUrl")]: adminUrl,
    [secretFileVariable("databaseMigrateUrl")]: migrateUrl,
    [secretFileVariable("databaseBackupUrl")]: backupUrl,
  };
}

function serverFiles(fleet: ResolvedFleet, context: LocalContext, script: HostFile): readonly HostFile[] {
  const files = databaseUrlFiles(context);
  const roles = databaseRoles(fleet.database.tablePrefix);
  const { retention, retentionMode } = fleet.database;
  const client = {
    ...databaseEnvironment(fleet, context, "{port}"),
    ...ownersEnvironment(fleet, context),
    ...toEnvironment({ retention, retentionMode }),
  };
  const contents: Readonly<Record<string, string>> = {
    [files.adminPassword]: REFERENCES.postgresAdminPassword,
    [files.appPassword]: REFERENCES.postgresAppPassword,
    [files.adminUrl]: address(POSTGRES_ADMIN, REFERENCES.postgresAdminPassword, "postgres"),
    [files.migrateUrl]: address(roles.migrate, REFERENCES.postgresMigratePassword, DATABASE),
    [files.backupUrl]: address(roles.backup, REFERENCES.postgresBackupPassword, DATABASE),
    [context.paths.databaseEnv]: envFile(client),
  };
  return [script, ...Object.entries(contents).map(([path, content]) => ({ path, content, mode: PRIVATE }))];
}

function serverProcess(fleet: ResolvedFleet, context: LocalContext): ProcessInputs {
  const { paths, postgresPrograms, deleteData } = context;
  const cluster = join(paths.postgres, "cluster");
  const content = postgresStartScript({
    port: "{port}",
    programs: postgresPrograms,
    directory: cluster,
    passwordFile: databaseUrlFiles(context).adminPassword,
  });
  const script = { path: join(paths.postgres, "start.sh"), content, mode: "0700" };
  return {
    name: "postgres",
    directory: paths.postgres,
    command: "/bin/sh",
    args: [script.path],
    environment: {},
    files: serverFiles(fleet, context, script),
    port: fleet.database.port,
    ready: { kind: "postgres", user: POSTGRES_ADMIN, timeoutSeconds: READY_SECONDS },
    // PostgreSQL's "fast shutdown": open transactions are rolled back.
    stop: { signal: "SIGINT", timeoutSeconds: STOP_SECONDS },
    log: join(paths.logs, "postgres.log"),
    data: [cluster],
    deleteData,
  };
}

/** Runs again for another worker, another prefix, and a server that was started anew: its data may be another's. */
function setupCommand(fleet: ResolvedFleet, context: LocalContext): CommandInputs {
  const { paths, node, bundle } = context;
  const { migrate, app, backup } = databaseRoles(fleet.database.tablePrefix);
  return {
    name: "database-setup",
    directory: paths.postgres,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "db", "setup"],
    environment: {
      ...databaseEnvironment(fleet, context, REFERENCES.postgresPort),
      ...ownersEnvironment(fleet, context),
    },
    files: [],
    log: join(paths.logs, "database-setup.log"),
    timeoutSeconds: SETUP_SECONDS,
    trigger: [bundle.digest, migrate, app, backup, REFERENCES.postgresStart].join(" "),
  };
}

/** The record's server and set-up; `null` where runs are not recorded, or in another server. */
export function compileDatabase(fleet: ResolvedFleet, context: LocalContext): LocalDatabase | null {
  if (!fleet.recordRuns || context.outsideDatabase !== null) return null;
  return { server: serverProcess(fleet, context), setup: setupCommand(fleet, context) };
}

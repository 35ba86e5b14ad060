import { join } from "node:path";
import type { CommandInputs } from "../../hosts/host-command.ts";
import type { ProcessInputs } from "../../hosts/process-inputs.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import {
  classSettings,
  type Environment,
  type SettingValues,
  secretFileVariable,
  toEnvironment,
} from "../../spec/to-environment.ts";
import type { OutsideUrl } from "../outside-urls.ts";
import { databaseUrlFiles } from "./compile-database.ts";
import type { LocalContext } from "./document.ts";
import { redisLoginOf, redisUrlOf } from "./outside-redis.ts";

const READY_SECONDS = 60;
/** A backup that is being made is taken away. */
const STOP_SECONDS = 30;
/** A restore takes as long as its data. */
const RESTORE_SECONDS = 4 * 3600;

/** Where backups are: not in the stack's own folder, so that they stay when its data are deleted. */
export function backupDirectory({ backup }: ResolvedFleet, { paths }: LocalContext): string {
  return backup.directory === "" ? paths.backups : backup.directory;
}

function settingsOf(fleet: ResolvedFleet, context: LocalContext): SettingValues {
  return {
    ...classSettings(fleet, fleet.classes[0], "backup"),
    streams: fleet.classes.map(({ stream }) => stream),
    redisUrl: redisUrlOf(context),
    backupDirectory: backupDirectory(fleet, context),
    ...(context.postgresPrograms === "" ? {} : { backupPrograms: [context.postgresPrograms] }),
  };
}

/** Of a database elsewhere only those roles are there whose addresses the config has. */
function hasRole({ recordRuns }: ResolvedFleet, { outsideDatabase }: LocalContext, url: OutsideUrl): boolean {
  return recordRuns && (outsideDatabase === null || outsideDatabase.includes(url));
}

function secretsOf(fleet: ResolvedFleet, context: LocalContext): Environment {
  return {
    ...redisLoginOf(context),
    ...(hasRole(fleet, context, "databaseBackupUrl")
      ? { [secretFileVariable("databaseBackupUrl")]: databaseUrlFiles(context).backupUrl }
      : {}),
  };
}

/** The one process that may read the whole record, so that no other has to; `null` where the spec wants none. */
export function compileBackup(fleet: ResolvedFleet, context: LocalContext): ProcessInputs | null {
  if (!fleet.backup.enabled) return null;
  const { paths, node, bundle } = context;
  return {
    name: "backup",
    directory: paths.directory,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "backup", "run"],
    environment: {
      ...toEnvironment({ ...settingsOf(fleet, context), httpPort: "{port}" }),
      ...secretsOf(fleet, context),
    },
    files: [],
    port: { kind: "preferred", port: BACKUP_PORT },
    ready: { kind: "http", path: "/health/live", timeoutSeconds: READY_SECONDS },
    stop: { signal: "SIGTERM", timeoutSeconds: STOP_SECONDS },
    log: join(paths.logs, "backup.log"),
    data: [],
    deleteData: false,
  };
}

/** Where /metrics and /health of `backup run` answer, where that port is free. */
const BACKUP_PORT = 9463;

/** Fills the new servers from a backup, before anybody uses them; `null` where the spec names none. */
export function compileRestore(fleet: ResolvedFleet, context: LocalContext): CommandInputs | null {
  const { restore } = fleet.backup;
  if (restore === "") return null;
  const { paths, node, bundle } = context;
  const targets = {
    TASKFLEET_RESTORE_REDIS_URL: redisUrlOf(context),
    ...Object.fromEntries(
      Object.values(redisLoginOf(context)).map((file) => ["TASKFLEET_RESTORE_REDIS_PASSWORD_FILE", file]),
    ),
    ...(hasRole(fleet, context, "databaseMigrateUrl")
      ? { TASKFLEET_RESTORE_DATABASE_URL_FILE: databaseUrlFiles(context).migrateUrl }
      : {}),
  };
  return {
    name: "backup-restore",
    directory: paths.directory,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "backup", "restore", restore, "--if-empty"],
    environment: { ...toEnvironment(settingsOf(fleet, context)), ...secretsOf(fleet, context), ...targets },
    files: [],
    log: join(paths.logs, "backup-restore.log"),
    timeoutSeconds: RESTORE_SECONDS,
    trigger: `${restore} ${redisUrlOf(context).replace("redis://", "")}`,
  };
}

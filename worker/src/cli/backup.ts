import type { Command } from "commander";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

export interface BackupOptions {
  readonly directory?: string;
  readonly json?: boolean;
}

export interface DrillCommandOptions extends BackupOptions {
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly postgresPrograms?: string;
  readonly reports: string;
}

export interface RestoreCommandOptions extends BackupOptions {
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly redisDirectory?: string;
  readonly ifEmpty?: boolean;
}

const DIRECTORY = [
  "--directory <folder>",
  "where the backups are (default: TASKFLEET_BACKUP_DIRECTORY)",
] as const;
const DATABASE_URL = [
  "--database-url <url>",
  "an empty database, as the role that owns the tables; its password by PGPASSWORD or in a file that TASKFLEET_RESTORE_DATABASE_URL_FILE names",
] as const;
const REDIS_URL = [
  "--redis-url <url>",
  "a running, empty Redis; its password by TASKFLEET_RESTORE_REDIS_PASSWORD or its _FILE",
] as const;

/** `backup`: backups of queue and record. */
export function define(command: Command, ends: Action): void {
  const create = command
    .command("create")
    .description(
      "back up Redis and PostgreSQL, remove old backups beyond TASKFLEET_BACKUP_KEEP, and say where it is",
    )
    .option(...DIRECTORY)
    .option("--json", "one JSON object: the manifest")
    .action((options: BackupOptions) =>
      ends(import("./backup/create.ts").then(({ create }) => create(options))),
    );
  examples(create, [["% backup create", "now; from cron too"]]);
  const list = command
    .command("list")
    .description("list backups, newest first")
    .option(...DIRECTORY)
    .option("--json", "one JSON object a line")
    .action((options: BackupOptions) => ends(import("./backup/list.ts").then(({ list }) => list(options))));
  examples(list, [["% backup list", "what there is"]]);
  const verify = command
    .command("verify")
    .argument("[name]", "a backup (default: the newest)")
    .description("hold the files of a backup against its manifest; a drill tells more")
    .option(...DIRECTORY)
    .option("--json", "one JSON object: name, faults")
    .action((name: string | undefined, options: BackupOptions) =>
      ends(import("./backup/list.ts").then(({ verify }) => verify(name, options))),
    );
  examples(verify, [["% backup verify", "is the newest whole?"]]);
  defineDrill(command, ends);
  defineRestore(command, ends);
  const run = command
    .command("run")
    .description("make a backup whenever the newest is older than TASKFLEET_BACKUP_EVERY, until SIGTERM")
    .action(() => ends(import("../roles/backup.ts").then(({ runBackups }) => runBackups(process.env))));
  examples(run, [["% backup run", "daily backups; settings are variables: see docs/configuration.md"]]);
  examples(command, [
    ["% backup create", "queue and record, now"],
    ["% backup drill", "does the newest restore?"],
  ]);
}

function defineDrill(command: Command, ends: Action): void {
  const drill = command
    .command("drill")
    .argument("[name]", "a backup (default: the newest)")
    .description(
      "restore a backup into empty servers, its own ones unless others are named, and compare checksums; writes a report",
    )
    .option(...DIRECTORY)
    .option(...DATABASE_URL)
    .option(...REDIS_URL)
    .option("--postgres-programs <folder>", "where initdb, postgres and pg_restore are (default: PATH)")
    .option("--reports <folder>", "where the report is written", ".var/reports")
    .option("--json", "the report as one JSON object")
    .action((name: string | undefined, options: DrillCommandOptions) =>
      ends(import("./backup/drill.ts").then(({ drill }) => drill(name, options))),
    );
  examples(drill, [["% backup drill", "a table, a dated report, and exit code 1 when something differs"]]);
  drill.addHelpText(
    "after",
    "\nExit codes: 0 all is the same, 1 not, 2 wrong usage, 130 Ctrl-C (no report).",
  );
}

function defineRestore(command: Command, ends: Action): void {
  const restore = command
    .command("restore")
    .argument("<name>", "a backup")
    .description("restore a backup into empty servers; what is not empty is refused, and nothing is written")
    .option(...DIRECTORY)
    .option(...DATABASE_URL)
    .option(...REDIS_URL)
    .option("--redis-directory <folder>", "write the files that a Redis with an append-only file starts from")
    .option("--if-empty", "end with 0, and do nothing, when a target is not empty")
    .option("--json", "one JSON object: name, comparisons, faults")
    .action((name: string, options: RestoreCommandOptions) =>
      ends(import("./backup/restore.ts").then(({ restore }) => restore(name, options))),
    );
  examples(restore, [
    [
      "% backup restore 20261128T093000Z --database-url postgresql://taskfleet_migrate@db/taskfleet --redis-directory /var/lib/redis",
      "on new servers",
    ],
  ]);
}

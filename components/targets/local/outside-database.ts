/** The record in a server that the stack does not start: its addresses are secrets of the stack's config. */
import { join } from "node:path";
import { databaseRoles } from "../../../worker/contract/database.ts";
import type { CommandInputs } from "../../hosts/host-command.ts";
import type { HostFile } from "../../hosts/process-inputs.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { type Environment, secretFileVariable, toEnvironment } from "../../spec/to-environment.ts";
import { REFERENCES } from "../references.ts";
import type { LocalContext } from "./document.ts";
import { envFile, PRIVATE } from "./files.ts";

/** Config key (below `taskfleet:`), which is the setting's name and the reference's too, and the file of each. */
export const OUTSIDE_URLS = {
  databaseUrl: "database-url",
  databaseMigrateUrl: "database-migrate-url",
  databaseBackupUrl: "database-backup-url",
  databaseAdminUrl: "database-admin-url",
} as const;
export type OutsideUrl = keyof typeof OUTSIDE_URLS;

const SETUP_SECONDS = 120;

const fileOf = (name: OutsideUrl, { paths }: LocalContext) => join(paths.secrets, OUTSIDE_URLS[name]);

/** What is given, in the order of the table. */
function given({ outsideDatabase }: LocalContext): readonly OutsideUrl[] {
  const names = Object.keys(OUTSIDE_URLS) as OutsideUrl[];
  return names.filter((name) => outsideDatabase?.includes(name) === true);
}

/** How a process reaches the record as the application's role. */
export function outsideEnvironment(context: LocalContext): Environment {
  return { [secretFileVariable("databaseUrl")]: fileOf("databaseUrl", context) };
}

/** What `taskfleet db` is to do: all, with the administrator's URL; bring the tables up to date; or look at them. */
function command(urls: readonly OutsideUrl[]): string {
  if (urls.includes("databaseAdminUrl")) return "setup";
  return urls.includes("databaseMigrateUrl") ? "migrate" : "status";
}

/** Writes the addresses, and sets up or checks the tables; again for other addresses, another worker, another prefix. */
export function compileOutside(fleet: ResolvedFleet, context: LocalContext): CommandInputs {
  const { paths, node, bundle } = context;
  const { tablePrefix, retention, retentionMode } = fleet.database;
  const urls = given(context);
  const environment: Environment = {
    ...toEnvironment(tablePrefix === "" ? {} : { tablePrefix }),
    ...Object.fromEntries(urls.map((name) => [secretFileVariable(name), fileOf(name, context)])),
  };
  const secret = (name: OutsideUrl): HostFile => ({
    ...{ path: fileOf(name, context), content: REFERENCES[name], mode: PRIVATE },
  });
  const client = envFile({ ...environment, ...toEnvironment({ retention, retentionMode }) });
  const { app } = databaseRoles(tablePrefix);
  return {
    name: "database-setup",
    directory: paths.directory,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "db", command(urls)],
    environment,
    files: [...urls.map(secret), { path: paths.databaseEnv, content: client, mode: PRIVATE }],
    log: join(paths.logs, "database-setup.log"),
    timeoutSeconds: SETUP_SECONDS,
    trigger: [bundle.digest, app, ...urls].join(" "),
  };
}

/** What backups and a restore need of them; undefined: nothing is missing. */
function backupProblem(
  { recordRuns, backup }: Pick<ResolvedFleet, "recordRuns" | "backup">,
  has: (name: OutsideUrl) => boolean,
): string | undefined {
  if (!recordRuns || !has("databaseUrl")) return undefined;
  if (backup.enabled && !has("databaseBackupUrl"))
    return "backups would lack the record: set taskfleet:databaseBackupUrl, the address of a role that may read it (--secret), or fleet.backup.enabled: false";
  if (backup.restore !== "" && !has("databaseMigrateUrl"))
    return "backup.restore would leave out the record: set taskfleet:databaseMigrateUrl, the address of its owner (--secret)";
  return undefined;
}

/** What is wrong with the choice of addresses; undefined: nothing. */
export function outsideProblem(
  urls: readonly string[],
  fleet: Pick<ResolvedFleet, "recordRuns" | "backup">,
): string | undefined {
  const has = (name: OutsideUrl) => urls.includes(name);
  if (urls.length > 0 && !has("databaseUrl"))
    return `taskfleet:${urls[0]} is set without taskfleet:databaseUrl, the address of the application's role: set it (--secret)`;
  const others = (["databaseMigrateUrl", "databaseBackupUrl"] as const).filter((name) => !has(name));
  if (!has("databaseAdminUrl") || others.length === 0) return backupProblem(fleet, has);
  const missing = others.map((name) => `taskfleet:${name}`).join(" and ");
  return `taskfleet:databaseAdminUrl is for making all roles: set ${missing} too (--secret), or unset it`;
}

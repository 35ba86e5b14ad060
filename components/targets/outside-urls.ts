/** The record in a server that the stack does not start: its addresses are secrets of the stack's config. */
import type { ResolvedFleet } from "../spec/resolve.ts";

/** Config key (below `taskfleet:`), which is the setting's name and the reference's too, and the file of each. */
export const OUTSIDE_URLS = {
  databaseUrl: "database-url",
  databaseMigrateUrl: "database-migrate-url",
  databaseBackupUrl: "database-backup-url",
  databaseAdminUrl: "database-admin-url",
} as const;
export type OutsideUrl = keyof typeof OUTSIDE_URLS;

/** In the order of the table. */
export function inOrder(urls: readonly string[]): readonly OutsideUrl[] {
  const names = Object.keys(OUTSIDE_URLS) as OutsideUrl[];
  return names.filter((name) => urls.includes(name));
}

/** What `taskfleet db` is to do: all, with the administrator's URL; bring the tables up to date; or look at them. */
export function databaseCommand(urls: readonly OutsideUrl[]): string {
  if (urls.includes("databaseAdminUrl")) return "setup";
  return urls.includes("databaseMigrateUrl") ? "migrate" : "status";
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

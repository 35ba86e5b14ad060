import { SETTINGS } from "../../contract/settings.ts";
import type { Variables } from "../config/environment.ts";
import type { Settings } from "../config/load-settings.ts";
import type { CreateOptions } from "./create.ts";
import type { Programs } from "./programs.ts";

/** What the settings say of the servers that are backed up. */
export function createOptions(
  settings: Settings<"backup">,
  programs: Programs,
  signal: AbortSignal,
): CreateOptions {
  const { databaseBackupUrl: url, tablePrefix: prefix, redisUrl, redisPassword } = settings;
  return {
    ...{ programs, signal, directory: settings.backupDirectory, now: () => new Date() },
    redis: { url: redisUrl, password: redisPassword },
    database: url === "" ? null : { url, prefix },
  };
}

/** Why a backup by these settings would lack the record, in words; undefined when there is none, or it has it. */
export function recordLeftOut(settings: Settings<"backup">, environment: Variables): string | undefined {
  if (settings.databaseBackupUrl !== "") return undefined;
  const { databaseUrl, databaseBackupUrl, pgHost } = SETTINGS;
  const named = [databaseUrl.env, `${databaseUrl.env}_FILE`, pgHost.env].find((name) => environment[name]);
  if (named === undefined) return undefined;
  return `${databaseBackupUrl.env} is not set, and ${named} is: the backup would lack the record`;
}

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

/** The variable that names a record which these settings would leave out; undefined when there is none. */
export function recordLeftOut(settings: Settings<"backup">, environment: Variables): string | undefined {
  if (settings.databaseBackupUrl !== "") return undefined;
  const { databaseUrl, pgHost } = SETTINGS;
  return [databaseUrl.env, `${databaseUrl.env}_FILE`, pgHost.env].find((name) => environment[name]);
}

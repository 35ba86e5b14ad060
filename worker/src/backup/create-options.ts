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

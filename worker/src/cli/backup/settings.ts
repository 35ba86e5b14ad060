import { readFileSync } from "node:fs";
import { EXIT } from "../../../contract/exit-codes.ts";
import { BackupError } from "../../backup/backup-error.ts";
import { Programs } from "../../backup/programs.ts";
import type { QueueServer } from "../../backup/restore-queue.ts";
import { loadSettings, type Settings } from "../../config/load-settings.ts";
import { openSecrets } from "../../secrets/open-secrets.ts";
import type { BackupOptions } from "../backup.ts";
import { CliError } from "../report-error.ts";

export interface BackupContext {
  readonly settings: Settings<"backup">;
  readonly directory: string;
  readonly programs: Programs;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

const TAKEN_AWAY = "what was begun is taken away";
/** What is true when servers that somebody named were written to. */
export const TARGETS_HOLD_PART = "the targets may hold part of it: empty them";

/** Runs a command with its settings; what Ctrl-C cut off ends with 130, and with what `left` says. */
export async function withBackups(
  options: BackupOptions,
  work: (context: BackupContext) => Promise<number>,
  programs: readonly string[] = [],
  left = TAKEN_AWAY,
): Promise<number> {
  const { settings, secrets } = await openSecrets(process.env, loadSettings(process.env, "backup"), "backup");
  const stop = new AbortController();
  const interrupt = () => stop.abort(new BackupError("interrupted"));
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, interrupt);
  try {
    return await work({
      settings,
      directory: options.directory ?? settings.backupDirectory,
      programs: new Programs([...programs, ...settings.backupPrograms]),
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.stderr.write(`interrupted; ${left}\n`);
    return EXIT.interrupted;
  } finally {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, interrupt);
    secrets.stop();
  }
}

/** The database to restore into. A password in the URL would stand in the list of processes. */
export function targetDatabase(url: string | undefined): string | null {
  const fromFile = fileOf("TASKFLEET_RESTORE_DATABASE_URL");
  if (url === undefined) return fromFile;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new CliError(
      "--database-url: no PostgreSQL address",
      EXIT.usage,
      "Such as postgresql://user@host:5432/db.",
    );
  if (parsed.password === "") parsed.password = encodeURIComponent(process.env.PGPASSWORD ?? "");
  return parsed.href;
}

/** The Redis to restore into. */
export function targetRedis(option: string | undefined): QueueServer | null {
  const url = option ?? process.env.TASKFLEET_RESTORE_REDIS_URL;
  if (url === undefined || url === "") return null;
  return { url, password: fileOf("TASKFLEET_RESTORE_REDIS_PASSWORD") ?? "" };
}

/** A variable's value, or that of the file which `<name>_FILE` names. */
function fileOf(name: string): string | null {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  const path = process.env[`${name}_FILE`];
  if (path === undefined || path === "") return null;
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new CliError(`${name}_FILE: ${(error as Error).message}`, EXIT.usage);
  }
}

/** Programs of PostgreSQL and Redis: where they are, and how they are run to their end. */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { BackupError } from "./backup-error.ts";

/** Where packages put PostgreSQL's outside of PATH, newest version first. */
const PACKAGED = "/usr/lib/postgresql";
/** Debian's package redis-tools has the server under this name alone; the name that it is called by makes it one. */
const OTHER_NAMES: Readonly<Record<string, string>> = { "redis-server": "redis-check-rdb" };
const STDERR_LINES = 5;

export type ProgramName = "pg_dump" | "pg_restore" | "initdb" | "postgres" | "redis-cli" | "redis-server";

/** Finds programs in `folders`, then on PATH, then where packages put them. */
export class Programs {
  readonly #folders: readonly string[];

  constructor(folders: readonly string[], path: string = process.env.PATH ?? "") {
    const inPath = path.split(delimiter).filter((folder) => folder !== "");
    this.#folders = [...folders, ...inPath, ...packagedFolders()];
  }

  /** The program's path. @throws BackupError that says where to get it. */
  find(name: ProgramName): string {
    const other = OTHER_NAMES[name];
    const found = this.#look(name) ?? (other === undefined ? undefined : this.#look(other));
    if (found !== undefined) return found;
    const which = name.startsWith("redis") ? "redis-tools" : "postgresql";
    throw new BackupError(
      `there is no ${name} on PATH: install the package ${which}, or name its folder in TASKFLEET_BACKUP_PROGRAMS`,
    );
  }

  #look(name: string): string | undefined {
    return this.#folders.map((folder) => join(folder, name)).find(isProgram);
  }
}

function packagedFolders(): readonly string[] {
  if (!existsSync(PACKAGED)) return [];
  const versions = readdirSync(PACKAGED).filter((name) => /^\d+$/.test(name));
  return versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(PACKAGED, version, "bin"));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export interface RunOptions {
  /** Beside PATH, HOME and the locale. Passwords go here, never into `args`. */
  readonly env?: Readonly<Record<string, string>>;
  /** What may not be shown. */
  readonly secrets?: readonly string[];
  readonly signal?: AbortSignal;
}

/** What programs get of this process' environment. */
export function programEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { LC_ALL: "C.UTF-8", PATH, HOME, ...(TMPDIR !== undefined && { TMPDIR }), ...more };
}

/** Runs a program to its end. @throws BackupError with the last lines that it said, or the signal's reason. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env = {}, secrets = [], signal }: RunOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(program, args, { env: programEnvironment(env), stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-8_192);
    });
  try {
    const code = await new Promise<number | string | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, ended) => resolve(code ?? ended));
    });
    signal?.throwIfAborted();
    if (code !== 0) throw new BackupError(`${program} ended with ${code}: ${lastLines(said, secrets)}`);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** The last lines of an output, in one, without secrets. */
export function lastLines(text: string, secrets: readonly string[] = []): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const last = lines.slice(-STDERR_LINES).join(" / ");
  const hidden = secrets.filter((secret) => secret !== "").reduce((t, s) => t.replaceAll(s, "***"), last);
  return hidden === "" ? "it said nothing" : hidden;
}

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import pg from "pg";
import { findOnPath } from "../../components/find-on-path.ts";
import { postgresServer } from "../../components/platform/postgres-server.ts";
import { Database, ONE_CONNECTION } from "../../worker/src/adapters/postgres/database.ts";
import { quietPort } from "./quiet-port.ts";
import { waitFor } from "./wait.ts";

const ADMIN = "taskfleet_admin";
const PASSWORD = "admin-of-tests";

/** A real PostgreSQL of its own on a free loopback port. */
export interface TestPostgres {
  readonly port: number;
  readonly directory: string;
  /** URL of the administrator, who is superuser; of this database (default `postgres`). */
  adminUrl(database?: string): string;
  /** Makes an empty database that belongs to the administrator, and returns its URL. */
  database(): Promise<string>;
  /** The server's process now. */
  process(): ChildProcess;
  /** Ends the server at once (SIGQUIT), as a crash does; its data stay. */
  crash(): Promise<void>;
  /** Kills the server (SIGKILL); resolves when its last process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Ends it and forgets its data. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Certificate and key files for TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Makes a standby that follows this server, instead of an empty cluster. */
  readonly standbyOf?: TestPostgres;
  /** Further settings, such as `["log_statement=all"]`. */
  readonly settings?: readonly string[];
}

/** The server refuses root: then it runs as the user that its package made. */
function asOwner(program: string, words: readonly string[]): readonly [string, readonly string[]] {
  if (process.getuid?.() !== 0) return [program, words];
  const become = ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--no-new-privs"];
  return ["setpriv", [...become, program, ...words]];
}

/** Of the same version as the server, whose folder may only be linked to. */
function baseBackup(server: string): string {
  const folders = [dirname(realpathSync(server)), process.env.PATH ?? ""].join(delimiter);
  const found = findOnPath("pg_basebackup", folders);
  if (found === undefined) throw new Error(`there is no pg_basebackup beside ${server} or on PATH`);
  return found;
}

function giveToOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  chownSync(path, id("-u"), id("-g"));
}

/** Makes a cluster (about a second) and starts it; a suite shares one. Throws when there is no PostgreSQL. */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const programs = postgresServer(process.env.PATH ?? "");
  const directory = mkdtempSync(join(tmpdir(), "taskfleet-postgres-"));
  giveToOwner(directory);
  const data = join(directory, "data");
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, PASSWORD);
  giveToOwner(passwordFile);
  const { standbyOf } = options;
  const make = ["-D", data, "-U", ADMIN, "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  const copy = ["-D", data, "-d", standbyOf?.adminUrl() ?? "", "--write-recovery-conf", "--no-sync"];
  const [maker, words] =
    standbyOf === undefined
      ? asOwner(programs.initdb, [...make, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
      : asOwner(baseBackup(programs.postgres), [...copy, "--checkpoint=fast"]);
  execFileSync(maker, words, { stdio: ["ignore", "ignore", "inherit"], cwd: directory });

  const port = await quietPort();
  const settings = serverSettings(directory, port, options);
  const adminUrl = (database = "postgres") =>
    `postgresql://${ADMIN}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  let child: ChildProcess | undefined;
  let databases = 0;
  const running = () => {
    if (child === undefined) throw new Error("the server was not started");
    return child;
  };
  const start = async () => {
    const [server, serverWords] = asOwner(programs.postgres, ["-D", data, ...settings]);
    child = spawn(server, serverWords, { stdio: "ignore", cwd: directory });
    await waitFor("PostgreSQL to answer", () => answers(adminUrl()), { timeoutMs: 30_000 });
  };
  const crash = async () => {
    const ended = running();
    if (ended.exitCode !== null || ended.signalCode !== null) return;
    ended.kill("SIGQUIT");
    await once(ended, "exit");
  };
  const kill = async () => {
    const server = running();
    const left = childrenOf(server.pid ?? 0);
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
    // They see that it is gone, and hold its memory until then.
    await waitFor("its processes to end", () => !left.some((pid) => existsSync(`/proc/${pid}`)));
  };
  await start();
  return {
    ...{ port, directory, adminUrl, start, crash, kill },
    process: running,
    database: async () => {
      const name = `test_${databases++}`;
      await onServer(adminUrl(), (client) => client.query(`CREATE DATABASE ${name}`));
      return adminUrl(name);
    },
    stop: async () => {
      await crash();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function childrenOf(pid: number): readonly string[] {
  const found = spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" }).stdout;
  return found.split("\n").flatMap((line) => line.trim() || []);
}

function serverSettings(directory: string, port: number, options: PostgresOptions): readonly string[] {
  const settings = [
    ...[`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories="],
    ...["shared_buffers=32MB", "max_connections=60", "log_destination=stderr", "fsync=off"],
    ...(options.settings ?? []),
  ];
  if (options.tls !== undefined) {
    const copy = (name: string, from: string) => {
      const to = join(directory, name);
      copyFileSync(from, to);
      giveToOwner(to);
      execFileSync("chmod", ["600", to]);
      return to;
    };
    const certificate = copy("server.crt", options.tls.certificate);
    const key = copy("server.key", options.tls.key);
    settings.push("ssl=on", `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`);
  }
  return settings.flatMap((setting) => ["-c", setting]);
}

async function answers(url: string): Promise<boolean> {
  try {
    await onServer(url, (client) => client.query("SELECT 1"));
    return true;
  } catch {
    return false;
  }
}

/** Runs statements over a connection of their own. */
export async function onServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The rows that a statement gives. */
export async function rows(url: string, text: string): Promise<Record<string, unknown>[]> {
  return (await onServer(url, (client) => client.query(text))).rows;
}

/** A pool as commands have it. */
export function openDatabase(url: string): Promise<Database> {
  return Database.open(url, { ...ONE_CONNECTION, name: "test" });
}

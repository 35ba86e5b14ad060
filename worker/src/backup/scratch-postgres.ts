/** An empty PostgreSQL server of one's own, on a free loopback port, for as long as a drill takes. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inDatabase } from "../adapters/postgres/connection-string.ts";
import { withLongConnection } from "../adapters/postgres/long-connection.ts";
import { StoreUnavailableError } from "../ports/activity-store.ts";
import { BackupError } from "./backup-error.ts";
import { lastLines, type Programs, programEnvironment, runProgram } from "./programs.ts";

export interface ScratchPostgres {
  /** Of its superuser, in an empty database. */
  readonly url: string;
  stop(): Promise<void>;
}

const USER = "taskfleet_drill";
const DATABASE = "record";
const RETRY_MS = 50;
/** The account that its package makes: the server refuses root. */
const ACCOUNT = "postgres";

/** @throws BackupError when it cannot be made or started. */
export async function scratchPostgres(programs: Programs, signal: AbortSignal): Promise<ScratchPostgres> {
  const [initdb, postgres] = [programs.find("initdb"), programs.find("postgres")];
  const folder = await mkdtemp(join(tmpdir(), "taskfleet-postgres-"));
  let child: ChildProcess | undefined;
  const stop = async () => {
    await killed(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const become = await owner(folder);
    const password = randomBytes(24).toString("base64url");
    const passwordFile = join(folder, "password");
    await writeFile(passwordFile, password, { mode: 0o600 });
    await give(passwordFile);
    const data = join(folder, "data");
    const make = ["-D", data, "-U", USER, "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "-E", "UTF8"];
    const [maker, ...words] = [...become, initdb, ...make, "--locale=C.UTF-8", "--no-sync"];
    await runProgram(maker as string, words, { signal });
    const port = await freePort();
    const started = start([...become, postgres, "-D", data, ...settings(port)], folder);
    child = started.child;
    const admin = `postgresql://${USER}:${password}@127.0.0.1:${port}/postgres`;
    await answers(admin, started, signal);
    await withLongConnection(admin, (queries) =>
      queries.query(`CREATE DATABASE ${DATABASE} ENCODING 'UTF8' TEMPLATE template0`),
    );
    return { url: inDatabase(admin, DATABASE), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Nothing of it has to outlive a crash. */
function settings(port: number): readonly string[] {
  const values = [
    ...[`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", "log_destination=stderr"],
    ...["shared_buffers=128MB", "fsync=off", "synchronous_commit=off", "full_page_writes=off"],
    ...["max_connections=10", "autovacuum=off", "max_wal_size=4GB"],
  ];
  return values.flatMap((value) => ["-c", value]);
}

/** How to become who may run the server, who gets the folder. */
async function owner(folder: string): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  await give(folder);
  return ["setpriv", "--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "--no-new-privs"];
}

async function give(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  try {
    const id = (flag: string) =>
      Number(execFileSync("id", [flag, ACCOUNT], { encoding: "utf8", stdio: "pipe" }));
    await chown(path, id("-u"), id("-g"));
  } catch {
    throw new BackupError(
      `PostgreSQL does not run as root, and this machine has no user ${ACCOUNT}: run the drill as another user`,
    );
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
}

function start([program = "", ...words]: readonly string[], cwd: string): Started {
  const child = spawn(program, words, {
    cwd,
    env: programEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.on("error", () => {});
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-8_192);
  });
  return { child, said: () => said };
}

async function answers(url: string, { child, said }: Started, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      throw new BackupError(`postgres ended at its start: ${lastLines(said())}`);
    try {
      await withLongConnection(url, (queries) => queries.query("SELECT 1"));
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      await delay(RETRY_MS);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new BackupError("there is no free port");
  return address.port;
}

/** At once, as a crash would. */
async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return;
  const gone = once(child, "exit");
  child.kill("SIGQUIT");
  await gone;
}

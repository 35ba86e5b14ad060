/** A Redis server of one's own that holds a dump, reachable by this user alone. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Redis } from "ioredis";
import { BackupError } from "../../backup/backup-error.ts";
import { lastLines, programEnvironment } from "../../backup/programs.ts";

export interface ScratchRedis {
  readonly redis: Redis;
  stop(): Promise<void>;
}

const RETRY_MS = 25;
/** Of a server that ended: what it logs as it loads does not matter. */
const PROBLEM = / # (.*)/;

/** Redis' own syntax for a path with spaces or quotes. */
function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * Starts `program` over a dump and waits until all of it is loaded; takes as much memory as the dump's data do.
 * @throws BackupError with what the server says of a dump that it cannot load.
 */
export async function scratchRedis(
  program: string,
  dump: string,
  signal: AbortSignal,
): Promise<ScratchRedis> {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), "taskfleet-redis-"));
  const path = join(folder, "redis.sock");
  await chmod(folder, 0o700);
  const child = spawn(program, ["-"], {
    // The name that Debian's binary is called by makes it a server.
    argv0: "redis-server",
    env: programEnvironment(),
    cwd: folder,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {});
  child.stdin.end(
    [
      ...["port 0", `unixsocket ${quote(path)}`, "unixsocketperm 700", "daemonize no", 'logfile ""'],
      ...[`dir ${quote(dirname(dump))}`, `dbfilename ${quote(basename(dump))}`, 'save ""', "appendonly no"],
      ...["maxmemory 0", "rdbchecksum yes", "proto-max-bulk-len 4gb", ""],
    ].join("\n"),
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-65_536);
    });
  const redis = new Redis({
    ...{ path, replyMapping: "legacy", lazyConnect: true, maxRetriesPerRequest: null },
    // Of one that ended while it was asked, no answer comes any more.
    retryStrategy: () => (child.exitCode === null && child.signalCode === null ? RETRY_MS : null),
  });
  redis.on("error", () => {});
  const stop = async () => {
    redis.disconnect();
    await killed(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.race([redis.ping(), endOf(child), aborted(signal)]);
    signal.addEventListener("abort", () => redis.disconnect(), { once: true });
    return { redis, stop };
  } catch (error) {
    await stop();
    if (error !== ENDED) throw error;
    const lines = said.split("\n").flatMap((line) => PROBLEM.exec(line)?.[1] ?? []);
    const reason = lastLines(lines.length > 0 ? lines.join("\n") : said);
    throw new BackupError(`${basename(dump)}: redis-server cannot load it: ${reason}`);
  }
}

const ENDED = new Error("the server ended");

function endOf(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    child.once("error", (error) =>
      reject(new BackupError(`redis-server cannot be started: ${error.message}`)),
    );
    // All that it said has come when its output is closed.
    child.once("close", () => reject(ENDED));
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

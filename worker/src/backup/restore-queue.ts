/** The queue's half of a restore: into a running server, or as the files that a server starts from. */
import { chmod, copyFile, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createConnection, redisAddress } from "../adapters/redis/connection.ts";
import { copyKeyspace, databasesOf, digestKeyspace } from "../adapters/redis/keyspace.ts";
import { scratchRedis } from "../adapters/redis/scratch-server.ts";
import { BackupError, HalfRestoredError, NotEmptyError } from "./backup-error.ts";
import { type Comparison, compareKeyspaces } from "./compare.ts";
import { PRIVATE_FILE, PRIVATE_FOLDER, sync } from "./files.ts";
import type { QueuePart } from "./manifest.ts";
import type { Programs } from "./programs.ts";

export interface QueueServer {
  readonly url: string;
  readonly password: string;
}

/** The append-only files of Redis 7: a base in the dump's own format, and the list of them. */
const AOF_FOLDER = "appendonlydir";
const AOF_BASE = "appendonly.aof.1.base.rdb";
const AOF_MANIFEST = "appendonly.aof.manifest";

/** In database 0 of a target from before the first write until all is copied; its value is the backup's name. */
export const RESTORING_KEY = "taskfleet:restoring";

/** Marks a target, or takes the mark away (`null`). */
export async function markRestoring({ url, password }: QueueServer, name: string | null): Promise<void> {
  const redis = createConnection({ url, password, profile: "client", name: "taskfleet-restore" });
  try {
    await redis.select(0);
    await (name === null ? redis.del(RESTORING_KEY) : redis.set(RESTORING_KEY, name));
  } finally {
    redis.disconnect();
  }
}

/**
 * @throws NotEmptyError when the server holds keys, HalfRestoredError when a restore into it was cut off;
 * RedisUnavailableError when it does not answer.
 */
export async function demandEmptyRedis({ url, password }: QueueServer): Promise<void> {
  const redis = createConnection({ url, password, profile: "client", name: "taskfleet-restore" });
  try {
    await redis.select(0);
    const begun = await redis.get(RESTORING_KEY);
    if (begun !== null)
      throw new HalfRestoredError(
        `the Redis at ${redisAddress(url)} holds part of backup ${begun}, whose restore was cut off: empty Redis and database (stack local: \`taskfleet down --delete-data\`), and restore again`,
      );
    const databases = await databasesOf(redis);
    if (databases.length === 0) return;
    throw new NotEmptyError(`the Redis at ${redisAddress(url)} is not empty: restore into an empty one`);
  } finally {
    redis.disconnect();
  }
}

/** @throws BackupError when there are files. */
export async function demandEmptyFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new BackupError(`${folder} cannot be read: ${error.message}`);
  });
  if (names.length > 0)
    throw new NotEmptyError(
      `${folder} is not empty: it has ${names.slice(0, 3).join(", ")}; name an empty folder`,
    );
}

/** The dump in a server of its own, against the manifest. */
export async function compareDump(
  part: QueuePart,
  folder: string,
  programs: Programs,
  signal: AbortSignal,
): Promise<readonly Comparison[]> {
  const server = await scratchRedis(programs.find("redis-server"), join(folder, part.dump.file), signal);
  try {
    const { digest, now } = await digestKeyspace(server.redis, part.taken_at, signal);
    return compareKeyspaces(part.keyspace, digest, now);
  } finally {
    await server.stop();
  }
}

/** Copies all keys into a running empty server, and says what is there then. */
export async function restoreQueue(
  part: QueuePart,
  folder: string,
  programs: Programs,
  target: QueueServer,
  signal: AbortSignal,
): Promise<readonly Comparison[]> {
  const dump = join(folder, part.dump.file);
  const server = await scratchRedis(programs.find("redis-server"), dump, signal);
  const { url, password } = target;
  const redis = createConnection({ url, password, profile: "command", name: "taskfleet-restore" });
  try {
    await copyKeyspace(server.redis, redis, signal);
    // All is there; the mark is no key of the backup and must not be compared.
    await markRestoring(target, null);
    const { digest, now } = await digestKeyspace(redis, part.taken_at, signal);
    return compareKeyspaces(part.keyspace, digest, now);
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

/** Writes the files from which a server with an append-only file starts; whole, or none. */
export async function writeServerFiles(part: QueuePart, from: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: PRIVATE_FOLDER });
  const folder = join(directory, AOF_FOLDER);
  const partial = join(directory, `${AOF_FOLDER}.partial`);
  await mkdir(partial, { mode: PRIVATE_FOLDER });
  await copyFile(join(from, part.dump.file), join(partial, AOF_BASE));
  await writeFile(join(partial, AOF_MANIFEST), `file ${AOF_BASE} seq 1 type b\n`);
  for (const name of [AOF_BASE, AOF_MANIFEST]) {
    await chmod(join(partial, name), PRIVATE_FILE);
    await sync(join(partial, name));
  }
  await rename(partial, folder);
  await sync(directory);
}

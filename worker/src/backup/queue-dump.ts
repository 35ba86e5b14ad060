/** The queue's half of a backup: a dump over the wire, and the digest of what a server makes of it. */
import { join } from "node:path";
import { createConnection, redisAddress, redisLogin, serverOf } from "../adapters/redis/connection.ts";
import { digestKeyspace } from "../adapters/redis/keyspace.ts";
import { serverTimeMs } from "../adapters/redis/queue-status.ts";
import { scratchRedis } from "../adapters/redis/scratch-server.ts";
import { BackupError } from "./backup-error.ts";
import { fileFacts } from "./files.ts";
import { QUEUE_DUMP, type QueuePart } from "./manifest.ts";
import { type Programs, runProgram } from "./programs.ts";

export interface QueueDumpOptions {
  readonly url: string;
  /** Wins over the URL's own; "" for none. */
  readonly password: string;
  readonly programs: Programs;
  readonly folder: string;
  readonly signal: AbortSignal;
}

export type TakenQueue = Pick<QueuePart, "dump" | "address" | "version" | "taken_at">;

/** Takes the dump: the server forks and sends it, as it does for a replica. */
export async function takeQueue(o: QueueDumpOptions): Promise<TakenQueue> {
  const program = o.programs.find("redis-cli");
  const { place, username, password, tls } = redisLogin(o.url, o.password);
  if (place.kind === "cluster")
    throw new BackupError(
      "REDIS_URL names a Redis Cluster, and a backup is of one server: name each master by itself (docs/high-availability.md)",
    );
  const redis = createConnection({ url: o.url, password: o.password, profile: "client", name: "backup" });
  const facts = await Promise.all([redis.info("server"), serverTimeMs(redis), serverOf(redis)]).finally(() =>
    redis.disconnect(),
  );
  const [info, takenAt, server] = facts;
  // A certificate is for the name.
  const { host, port } = place.kind === "single" ? place.node : server;
  const file = join(o.folder, QUEUE_DUMP);
  const login = ["-h", host, "-p", String(port), ...(username === "" ? [] : ["--user", username])];
  await runProgram(program, [...login, ...(tls ? ["--tls"] : []), "--rdb", file], {
    ...(password === "" ? {} : { env: { REDISCLI_AUTH: password }, secrets: [password] }),
    signal: o.signal,
  });
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? "";
  return { dump: await fileFacts(file), address: redisAddress(o.url), version, taken_at: takenAt };
}

/** Loads the dump into a server of its own, so that one which cannot be loaded is found now, and digests it. */
export async function loadQueue(taken: TakenQueue, o: QueueDumpOptions): Promise<QueuePart> {
  const server = await scratchRedis(
    o.programs.find("redis-server"),
    join(o.folder, taken.dump.file),
    o.signal,
  );
  try {
    const { digest } = await digestKeyspace(server.redis, taken.taken_at, o.signal);
    return { ...taken, keyspace: digest };
  } finally {
    await server.stop();
  }
}

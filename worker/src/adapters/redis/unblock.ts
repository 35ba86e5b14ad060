import type { Redis } from "ioredis";
import { connectionOf } from "./connection.ts";

/**
 * Returns a function that ends the blocking commands of `blocking`, where some wait at Redis, so that a worker can
 * stop without waiting for them and without losing what it might just be given. Call before the first blocking
 * command, which would keep the connection's id from being asked. `streams`: what is read; on a Cluster each is read where
 * its slot is.
 */
export function unblocker(redis: Redis, blocking: Redis, streams: readonly string[]): () => Promise<void> {
  const byConnection = new Map(streams.map((stream) => [connectionOf(blocking, stream), stream]));
  const unblocks = [...byConnection].map(([connection, stream]) =>
    unblockOne(connectionOf(redis, stream), connection),
  );
  return async () => {
    await Promise.all(unblocks.map((unblock) => unblock()));
  };
}

/** The same for one connection; `redis` is another one to the same server. */
export function unblockOne(redis: Redis, blocking: Redis): () => Promise<void> {
  let id: number | null = null;
  const ask = () => {
    id = null;
    blocking.client("ID").then(
      (answer) => {
        id = Number(answer);
      },
      // Without an id the read ends by its own limit.
      () => {},
    );
  };
  ask();
  let lost = false;
  blocking.on("reconnecting", () => {
    lost = true;
  });
  blocking.on("ready", () => {
    if (lost) ask();
    lost = false;
  });
  return async () => {
    if (id !== null && redis.status === "ready") await redis.client("UNBLOCK", id, "TIMEOUT");
  };
}

import type { Redis } from "ioredis";

/**
 * Returns a function that ends a blocking command of `blocking`, if one waits at Redis, so that a worker can
 * stop without waiting for it and without losing what it might just be given. Call before the first blocking
 * command, which would keep the connection's id from being asked.
 */
export function unblocker(redis: Redis, blocking: Redis): () => Promise<void> {
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
  blocking.on("reconnecting", () => blocking.once("ready", ask));
  return async () => {
    if (id !== null && redis.status === "ready") await redis.client("UNBLOCK", id, "TIMEOUT");
  };
}

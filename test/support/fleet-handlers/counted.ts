import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { defineHandler, Type } from "../../../worker/src/handler.ts";

let redis: Redis | undefined;

/** Counts in Redis how many of it run at once, the most of them, and how often each task ran. */
export default defineHandler({
  kind: "counted",
  version: "1.0.0",
  description: "Counts its own runs, and waits for a file if one is named.",
  payload: Type.Object({ file: Type.Optional(Type.String()) }),
  run: async ({ file }, { taskId, signal }) => {
    redis ??= new Redis(process.env.REDIS_URL ?? "");
    if (redis.status !== "ready") await once(redis, "ready");
    const now = await redis.incr("counted:now");
    await redis.zadd("counted:most", "GT", now, "most");
    await redis.hincrby("counted:runs", taskId, 1);
    try {
      while (file !== undefined && !existsSync(file)) {
        signal.throwIfAborted();
        await delay(10);
      }
    } finally {
      await redis.decr("counted:now");
    }
    return now;
  },
});

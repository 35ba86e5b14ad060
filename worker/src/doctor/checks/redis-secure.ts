import { type Check, failed, ofRedis, ok } from "../check.ts";

/** Redis asks for a password and keeps what it was told. */
export const redisSecure: Check = {
  id: "redis",
  title: "Redis with password and persistence",
  source: "production checklist",
  run: (facts) =>
    ofRedis(facts, ({ address, passwordRequired, appendOnly }) => {
      const missing = [
        ...(passwordRequired ? [] : ["no password"]),
        ...(appendOnly ? [] : ["no append-only file"]),
      ];
      if (missing.length === 0) return ok(`${address} asks for a password and keeps an append-only file`);
      return failed(
        `${address} has ${missing.join(" and ")}`,
        "requirepass and appendonly yes in redis.conf; the password in REDIS_PASSWORD_FILE",
      );
    }),
};

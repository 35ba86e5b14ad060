import { type Check, failed, ofRedis, ok } from "../check.ts";

/** Whoever reaches Redis can make workers run programs. */
export const password: Check = {
  id: "password",
  title: "Redis asks for a password",
  source: "hazards",
  run: (facts) =>
    ofRedis(facts, ({ passwordRequired, address }) =>
      passwordRequired
        ? ok(`${address} refuses whoever names none`)
        : failed(
            `${address} answers without one: whoever reaches it can make workers run programs`,
            "requirepass in redis.conf, and REDIS_PASSWORD_FILE for the fleet",
          ),
    ),
};

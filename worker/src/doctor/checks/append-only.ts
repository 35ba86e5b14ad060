import { type Check, failed, ofRedis, ok } from "../check.ts";

/** A restart of Redis loses a second at most. */
export const appendOnly: Check = {
  id: "append-only",
  title: "Redis keeps an append-only file",
  source: "hazards",
  run: (facts) =>
    ofRedis(facts, ({ appendOnly: on }) =>
      on
        ? ok("appendonly yes")
        : failed(
            "appendonly no: a restart loses all tasks since the last snapshot",
            "appendonly yes in redis.conf",
          ),
    ),
};

import { type Check, failed, ofRedis, ok } from "../check.ts";

/** Redis evicts nothing: an evicted key is a lost task. */
export const eviction: Check = {
  id: "eviction",
  title: "Redis evicts no keys when its memory is full",
  source: "hazards",
  run: (facts) =>
    ofRedis(facts, ({ evictionPolicy }) =>
      evictionPolicy === "noeviction"
        ? ok("maxmemory-policy noeviction: new tasks are refused, nothing is lost")
        : failed(
            `maxmemory-policy ${evictionPolicy} throws away tasks and results when memory is full`,
            "maxmemory-policy noeviction in redis.conf",
          ),
    ),
};

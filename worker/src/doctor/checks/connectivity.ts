import { type Check, failed, ok } from "../check.ts";

/** Redis answers, and the database where there is one. */
export const connectivity: Check = {
  id: "connectivity",
  title: "Redis and the database can be reached",
  source: "before a deployment",
  run: ({ redis, database }) => {
    if ("unknown" in redis)
      return failed(redis.unknown, "is it running? taskfleet up starts one here; REDIS_URL names it");
    if (database.state === "unreachable")
      return failed(database.why, "is it running? DATABASE_URL or PGHOST names it; tasks go on without it");
    const other = database.state === "none" ? "no database is configured" : `database at ${database.address}`;
    return ok(`Redis ${redis.version} at ${redis.address}, ${other}`);
  },
};

import { findOnPath } from "../find-on-path.ts";

/** No folder of the path has `redis-server`. */
export class RedisServerMissingError extends Error {
  constructor(path: string) {
    super(`redis-server is in none of ${path}: run ./taskfleet setup, which installs it`);
    this.name = "RedisServerMissingError";
  }
}

/**
 * The server's binary on `path` (a PATH value), outside the folders `except`. Debian's package redis-tools
 * has it under the name redis-check-rdb: the name that it is called by makes it a server.
 */
export function findRedisServer(path: string, except: readonly string[] = []): string | undefined {
  return findOnPath("redis-server", path, except) ?? findOnPath("redis-check-rdb", path, except);
}

/** The first executable on `path` (a PATH value) of the name redis-server, such as the set-up's link. */
export function redisServer(path: string): string {
  const found = findOnPath("redis-server", path);
  if (found === undefined) throw new RedisServerMissingError(path);
  return found;
}

import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** `redis-server` is in none of the folders. */
export class RedisServerMissingError extends Error {
  constructor(folders: readonly string[]) {
    super(`redis-server is in none of ${folders.join(", ")}: run ./taskfleet setup, which installs it`);
    this.name = "RedisServerMissingError";
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of `redis-server` in the first of the folders that has it. */
export function findRedisServer(folders: readonly string[]): string {
  const files = folders.filter((folder) => folder !== "").map((folder) => join(folder, "redis-server"));
  const found = files.find(isExecutable);
  if (found === undefined) throw new RedisServerMissingError(folders);
  return found;
}

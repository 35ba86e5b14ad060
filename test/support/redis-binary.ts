import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * A path that runs as `redis-server`. Debian ships the server's binary in redis-tools as `redis-check-rdb`;
 * its name decides which tool it is, so a link in `directory` gives it the right one.
 */
export function redisServer(directory: string): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const find = (name: string) => folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  const server = find("redis-server");
  if (server !== undefined) return server;
  const tool = find("redis-check-rdb");
  if (tool === undefined) throw new Error("no redis-server on PATH: run ./taskfleet test, which installs it");
  const link = join(directory, "bin", "redis-server");
  mkdirSync(join(directory, "bin"), { recursive: true });
  if (!existsSync(link)) symlinkSync(tool, link);
  return link;
}

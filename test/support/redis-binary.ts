import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { findRedisServer } from "../../components/platform/redis-server.ts";

/** The server's binary on PATH; called as `redis-server` it is one. */
export function redisBinary(): string {
  const binary = findRedisServer(process.env.PATH ?? "");
  if (binary === undefined)
    throw new Error("no redis-server on PATH: run ./taskfleet test, which installs it");
  return binary;
}

/** A path that runs as `redis-server`: a link in `directory` where the binary has another name. */
export function redisServer(directory: string): string {
  const binary = redisBinary();
  if (basename(binary) === "redis-server") return binary;
  const link = join(directory, "bin", "redis-server");
  mkdirSync(join(directory, "bin"), { recursive: true });
  if (!existsSync(link)) symlinkSync(binary, link);
  return link;
}

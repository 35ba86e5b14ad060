import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisBinary } from "./redis-binary.ts";

/** A real Redis of its own on a free loopback port, with the settings that a stack gives it. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly process: ChildProcess;
  /** A connection for the test itself. */
  readonly client: Redis;
  /** Ends the server at once and forgets its data. */
  stop(): Promise<void>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the probe socket has no port");
  return address.port;
}

/** `extra`: further `redis-server` options, such as `["--maxmemory", "5mb"]`. */
export async function startRedis(extra: readonly string[] = [], port?: number): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), "taskfleet-redis-"));
  const chosen = port ?? (await freePort());
  const settings = ["--port", String(chosen), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  const child = spawn(
    redisBinary(),
    [...settings, "--appendonly", "yes", "--maxmemory-policy", "noeviction", ...extra],
    {
      // Debian ships the server's binary under another name; this one tells it which tool to be.
      argv0: "redis-server",
      stdio: "ignore",
    },
  );
  const url = `redis://127.0.0.1:${chosen}`;
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => {});
  await client.ping();
  const stop = async () => {
    client.disconnect();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  };
  return { url, port: chosen, directory, process: child, client, stop };
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { quietPort } from "./quiet-port.ts";
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

/** A port is free when it is chosen; another program may take it before the server does. */
const TRIES = 5;
const TRY_AGAIN_MS = 200;

/**
 * `extra`: further `redis-server` options, such as `["--maxmemory", "5mb"]`. `port`: default: a free one. Tries again
 * when the server ends before it answers.
 */
export async function startRedis(extra: readonly string[] = [], port?: number): Promise<TestRedis> {
  for (let left = TRIES; left > 0; left -= 1) {
    const server = await launch(extra, port ?? (await quietPort()));
    if (server !== null) return server;
    await delay(TRY_AGAIN_MS);
  }
  throw new Error(`redis-server ended at its start, ${TRIES} times, on ${port ?? "free ports"}`);
}

/** `null`: it ended at once. */
async function launch(extra: readonly string[], port: number): Promise<TestRedis | null> {
  const directory = mkdtempSync(join(tmpdir(), "taskfleet-redis-"));
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  const child = spawn(
    redisBinary(),
    [...settings, "--appendonly", "yes", "--maxmemory-policy", "noeviction", ...extra],
    {
      // Debian ships the server's binary under another name; this one tells it which tool to be.
      argv0: "redis-server",
      stdio: "ignore",
    },
  );
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => {});
  const stop = async () => {
    client.disconnect();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  };
  if (await answers(client, child)) return { url, port, directory, process: child, client, stop };
  await stop();
  return null;
}

/** Whether this very server answers, not one that has its port; `false` when it ends before. */
async function answers(client: Redis, server: ChildProcess): Promise<boolean> {
  const ended = once(server, "exit").then(() => false);
  const asked = client.info("server").then(
    (info) => info.includes(`process_id:${server.pid}\r\n`) || ended,
    () => ended,
  );
  return Promise.race([asked, ended]);
}

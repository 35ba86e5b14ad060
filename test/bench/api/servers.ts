import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "../../../worker/build.ts";
import { queueKeys } from "../../../worker/contract/queue-keys.ts";
import { ApiKeys } from "../../../worker/src/adapters/redis/api-keys.ts";
import { ApiReports } from "../../../worker/src/adapters/redis/api-reports.ts";
import { Keeper } from "../../../worker/src/adapters/redis/keeper.ts";
import type { TestRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";

const STREAM = "bench.tasks";
const PAYLOAD = {
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};

export interface Server {
  readonly base: string;
  readonly key: string;
  readonly pid: number;
  close(): Promise<void>;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** The role that stacks run: bundle, keys, schemas, secrets, logs, metrics; no limit of calls. */
export async function startApi(redis: TestRedis): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-bench-"));
  const { directory } = await buildBundle({ outDir: folder });
  await new Keeper(redis.client, STREAM).publishKinds([
    { kind: "noop", version: "1.0.0", description: "does nothing", payload: PAYLOAD },
  ]);
  const about = { verbs: ["tasks:push"], streams: ["*"], created_at: Date.now(), note: "" } as const;
  const { key } = await new ApiKeys(redis.client).create(about);
  const log = openSync(join(folder, "api.log"), "a");
  const child = spawn(process.execPath, [join(directory, "main.mjs"), "api"], {
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, REDIS_URL: redis.url },
      ...{ TASKFLEET_QUEUE_NAME: STREAM, TASKFLEET_API_PORT: "0", TASKFLEET_API_RATE: "0" },
    },
    cwd: folder,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const reports = new ApiReports(redis.client);
  const { address } = await waitFor("the API", async () => (await reports.list(Date.now()))[0]);
  return {
    ...{ base: address, key, pid: Number(child.pid) },
    close: async () => {
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The same framework with an empty handler, in a process of its own. */
export async function startEmpty(): Promise<Server> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "empty-handler.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  return { base: line.trim(), key: "none", pid: Number(child.pid), close: () => stop(child) };
}

/** Takes out what was pushed, so that every round finds the same queue. */
export async function forget(redis: TestRedis): Promise<void> {
  const { stream, index } = queueKeys(STREAM);
  await redis.client.unlink(stream, index);
}

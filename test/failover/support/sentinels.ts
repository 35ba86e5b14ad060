import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { quietPort } from "../../support/quiet-port.ts";
import { redisBinary } from "../../support/redis-binary.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";

export const MASTER = "mymaster";

/** A master with a replica, and three Sentinels that watch them. */
export interface SentinelGroup {
  /** `redis+sentinel://...`. */
  readonly url: string;
  readonly master: TestRedis;
  readonly replica: TestRedis;
  /** A connection to the first Sentinel. */
  readonly sentinel: Redis;
  /** Port of the master that the Sentinels name. */
  masterPort(): Promise<number>;
  stop(): Promise<void>;
}

/** `password`: of Redis and of the Sentinels. */
export async function startSentinelGroup({ password = "" } = {}): Promise<SentinelGroup> {
  const quick = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
  const master = await startRedis(quick);
  const replica = await startRedis([...quick, "--replicaof", `127.0.0.1 ${master.port}`]);
  await replicates(master, 1);
  // The test's own connections go on as who they are.
  for (const { client } of password === "" ? [] : [master, replica]) {
    await client.config("SET", "masterauth", password);
    await client.config("SET", "requirepass", password);
  }
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-sentinels-"));
  const sentinels: ChildProcess[] = [];
  const ports: number[] = [];
  for (let i = 0; i < 3; i++) {
    const port = await quietPort();
    const file = join(folder, `sentinel-${i}.conf`);
    const lines = [
      ...[`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, "daemonize no"],
      ...[`sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 2`],
      ...(password === "" ? [] : [`sentinel auth-pass ${MASTER} ${password}`, `requirepass ${password}`]),
      ...[`sentinel down-after-milliseconds ${MASTER} 1000`, `sentinel failover-timeout ${MASTER} 6000`],
      "",
    ];
    writeFileSync(file, lines.join("\n"));
    sentinels.push(spawn(redisBinary(), [file, "--sentinel"], { argv0: "redis-server", stdio: "ignore" }));
    ports.push(port);
  }
  const sentinel = new Redis({
    ...{ host: "127.0.0.1", port: ports[0] ?? 0, retryStrategy: () => 50, maxRetriesPerRequest: null },
    ...(password === "" ? {} : { password }),
  });
  sentinel.on("error", () => {});
  await waitFor("the Sentinels to know each other and the replica", async () => {
    const [facts] = (await sentinel.call("SENTINEL", "MASTERS")) as string[][];
    const at = (name: string) => facts?.[facts.indexOf(name) + 1];
    return at("num-other-sentinels") === "2" && at("num-slaves") === "1" && at("flags") === "master";
  });
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
  return {
    url: `redis+sentinel://${hosts}/${MASTER}`,
    ...{ master, replica, sentinel },
    masterPort: async () => {
      const found = (await sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)) as string[];
      return Number(found[1]);
    },
    stop: async () => {
      sentinel.disconnect();
      await Promise.all([...sentinels.map(ended), master.stop(), replica.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a master has so many replicas that are in step. */
export async function replicates(master: TestRedis, replicas: number): Promise<void> {
  await waitFor(`${replicas} replicas in step`, async () => {
    const info = await master.client.info("replication");
    return info.match(/^slave\d+:.*state=online/gm)?.length === replicas;
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { REWRITE_FROM } from "../../../components/platform/redis.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";

/** A Redis as a stack configures it: append-only file, synced every second. */
export function benchRedis(): Promise<TestRedis> {
  return startRedis(["--appendfsync", "everysec", "--auto-aof-rewrite-min-size", REWRITE_FROM]);
}

/** Processor time that a process has used, in ms. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const TICK_MS = 10;
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** A plain connection of the benchmark itself. */
export function connectTo(server: TestRedis): Redis {
  return new Redis(server.url, { maxRetriesPerRequest: null });
}

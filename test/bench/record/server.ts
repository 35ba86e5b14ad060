import { globSync, readFileSync } from "node:fs";
import { startPostgres, type TestPostgres } from "../../support/postgres-server.ts";
import { processorMs } from "../queue/server.ts";

/** A PostgreSQL as a stack configures it: every commit on the disk. */
export function benchPostgres(): Promise<TestPostgres> {
  return startPostgres({ settings: ["fsync=on", "synchronous_commit=on", "shared_buffers=128MB"] });
}

/** Processor time of a server and of its processes that live now, in ms. */
export function serverMs(server: TestPostgres): number {
  const root = Number(server.process().pid);
  const children = globSync("/proc/[0-9]*/stat").flatMap((file) => {
    try {
      const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? [];
      return Number(fields[1]) === root ? [Number(file.split("/")[2])] : [];
    } catch {
      // It ended in this moment.
      return [];
    }
  });
  return [root, ...children].reduce((sum, pid) => sum + processorMs(pid), 0);
}

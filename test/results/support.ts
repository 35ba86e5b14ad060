import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outputsIn } from "../../worker/src/adapters/files/outputs.ts";
import { ResultFiles } from "../../worker/src/adapters/files/result-files.ts";
import type { Consumer, SettleItem } from "../../worker/src/adapters/redis/consumer.ts";
import { neededFiles } from "../../worker/src/adapters/redis/result-references.ts";
import { RedisResultStore } from "../../worker/src/adapters/redis/result-store.ts";
import { Results } from "../../worker/src/adapters/redis/results.ts";
import type { ResultStore } from "../../worker/src/ports/result-store.ts";
import { ResultSaver } from "../../worker/src/runtime/result-saver.ts";
import type { TestQueue } from "../support/queue.ts";

/** A moment in the middle of a folder's time. */
export const NOW = Date.UTC(2026, 10, 28, 13, 45);

/** What all back ends are tested by. */
export interface BackEndUnderTest {
  readonly name: "redis" | "fs";
  open(folder: string, workerId: string, now?: () => number): ResultStore;
}

export const BACK_ENDS: readonly BackEndUnderTest[] = [
  { name: "redis", open: () => new RedisResultStore() },
  {
    name: "fs",
    open: (directory, workerId, now = () => NOW) => new ResultFiles({ directory, workerId, now }),
  },
];

/** A folder of its own, which is gone after the test. */
export function withFolder(use: (folder: string) => void): void {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-results-"));
    use(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

/** Paths of all files below a folder, sorted. */
export function filesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => statSync(join(folder, name)).isFile()).sort();
}

export interface Saving {
  readonly settle: (items: readonly SettleItem[]) => Promise<boolean[]>;
  /** What could not be kept, as `id: reason`. */
  readonly unsaved: string[];
  readonly failures: unknown[];
}

/** Settles as a worker does. */
export function saving(store: ResultStore, queue: Pick<Consumer, "settle">): Saving {
  const unsaved: string[] = [];
  const failures: unknown[] = [];
  const saver = new ResultSaver({
    ...{ store, queue },
    onUnsaved: ({ task }, failure) => unsaved.push(`${task.id}: ${failure}`),
    onFailure: (error) => failures.push(error),
  });
  return { settle: (items) => saver.settle(items), unsaved, failures };
}

/** Reads as a client does whose folder of results is this one. */
export function reader(queue: TestQueue, folder: string): Results {
  return new Results(queue.redis, queue.subscriber, queue.stream, outputsIn(folder));
}

/** Removes what has expired at this moment; returns how many. */
export function sweep(store: ResultStore, queue: TestQueue, before: number): Promise<number> {
  const { redis, stream } = queue;
  return store.sweep({ queue: stream, before, needed: (files) => neededFiles(redis, stream, files) });
}

/** A small file system of its own; a reason why there can be none. */
export function smallFileSystem(folder: string, bytes: number): string | undefined {
  if (process.getuid?.() !== 0) return "only root can make a file system";
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `no file system can be mounted here: ${(error as Error).message}`;
  }
}

export function remount(folder: string, options: string): void {
  execFileSync("mount", ["-o", `remount,${options}`, folder], { stdio: "pipe" });
}

export function unmount(folder: string): void {
  execFileSync("umount", [folder], { stdio: "pipe" });
}

import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { identify, type ProcessIdentity } from "../hosts/process-identity.ts";
import { CommandError } from "./command-error.ts";

/** A lock file of Pulumi's file back end; `timestamp` is RFC 3339. */
export interface StackLock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/** Which stack is meant; only back ends with a `file://` address can be looked into. */
export interface StackAddress {
  readonly backendUrl: string;
  /** `name` in `Pulumi.yaml`. */
  readonly project: string;
  readonly stack: string;
}

function lockFolder({ backendUrl, project, stack }: StackAddress): string | undefined {
  if (!backendUrl.startsWith("file://")) return undefined;
  const folder = backendUrl.startsWith("file:///")
    ? fileURLToPath(backendUrl.replace(/\?.*$/, ""))
    : backendUrl.slice("file://".length).replace(/^~/, process.env.HOME ?? "~");
  return join(folder, ".pulumi", "locks", "organization", project, stack);
}

function readLock(file: string): StackLock | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as StackLock;
  } catch (error) {
    // Its update ended between the listing and the reading.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CommandError(
      `cannot read the state lock ${file}: ${error instanceof Error ? error.message : String(error)}`,
      EXIT.failed,
    );
  }
}

/** The locks on a stack: empty when nobody updates it, or when the back end is not a folder. */
export function stackLocks(address: StackAddress): readonly StackLock[] {
  const folder = lockFolder(address);
  if (folder === undefined) return [];
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names.filter((name) => name.endsWith(".json")).flatMap((name) => readLock(join(folder, name)) ?? []);
}

/** Since when the process runs (ms since the epoch), or `undefined` where /proc cannot say. */
function startOf({ start }: ProcessIdentity): number | undefined {
  const boot = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
  // The kernel counts in hundredths of a second.
  return boot === undefined ? undefined : Number(boot) * 1000 + start * 10;
}

/** Clock readings of kernel and engine differ by rounding. */
const CLOCK_SLACK_MS = 5_000;

/** Whether the update that made this lock is known to be gone; on another host that cannot be known. */
export function isStale(lock: StackLock): boolean {
  if (lock.hostname !== hostname()) return false;
  const owner = identify(lock.pid);
  if (owner === null) return true;
  const start = startOf(owner);
  return start !== undefined && start > Date.parse(lock.timestamp) + CLOCK_SLACK_MS;
}

function explain(lock: StackLock, stack: string): string {
  const owner = `pid ${lock.pid}, ${lock.username}@${lock.hostname}, since ${lock.timestamp}`;
  const remove = `eval "$(./taskfleet env)"; pulumi cancel ${stack} --yes`;
  if (isStale(lock))
    return `stack ${stack} has a stale lock: its owner (${owner}) is gone; remove it with: ${remove}`;
  if (lock.hostname === hostname())
    return `another update of stack ${stack} is running (${owner}): wait for it to end`;
  return `stack ${stack} is locked from another host (${owner}): wait for it to end, or if that update is known to be gone: ${remove}`;
}

/** Throws a `CommandError` (`EXIT.conflict`) that explains who holds the stack's lock and the way out. */
export function assertUnlocked(address: StackAddress): void {
  const [lock] = stackLocks(address);
  if (lock !== undefined) throw new CommandError(explain(lock, address.stack), EXIT.conflict);
}

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isRunning, parseProcessStat } from "../../worker/contract/process-stat.ts";
import type { ProcessIdentity } from "../../worker/contract/run-file.ts";
import { codeOf, explain } from "./errors.ts";

export type { ProcessIdentity };

/** Who runs under this pid now; `null` when nobody does. */
export function identify(pid: number): ProcessIdentity | null {
  const path = `/proc/${pid}/stat`;
  let line: string;
  try {
    line = readFileSync(path, "utf8");
  } catch (error) {
    // ESRCH: it ended between the opening and the reading.
    if (["ENOENT", "ESRCH"].includes(codeOf(error))) return null;
    throw explain(`read ${path}`, error);
  }
  const stat = parseProcessStat(line);
  return stat !== null && isRunning(stat) ? { pid: stat.pid, start: stat.start } : null;
}

/** Whether this very process runs; another one that got its pid later does not count. */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  return pid > 0 && identify(pid)?.start === start;
}

/** Sends the signal to this very process. Returns whether it was there. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
    throw explain(`send ${signal} to pid ${identity.pid}`, error);
  }
}

const LOOK_AGAIN_MS = 20;

/** Waits until the process is gone. Returns whether it was, in time. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(identity)) {
    if (performance.now() >= deadline) return false;
    await delay(LOOK_AGAIN_MS);
  }
  return true;
}

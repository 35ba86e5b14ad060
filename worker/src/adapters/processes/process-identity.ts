import { readFileSync } from "node:fs";
import { isRunning, parseProcessStat } from "../../../contract/process-stat.ts";
import type { ProcessIdentity } from "../../../contract/run-file.ts";

/** The identity of the process that has this pid now, or `null` when none runs (a zombie does not). */
export function identify(pid: number): ProcessIdentity | null {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (isCode(error, "ENOENT") || isCode(error, "ESRCH")) return null;
    throw error;
  }
  const stat = parseProcessStat(line);
  return stat !== null && isRunning(stat) ? { pid, start: stat.start } : null;
}

/** Whether exactly this process still runs; a younger one with the same pid is another. */
export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.start === process.start;
}

/** Sends a signal to exactly this process; returns `false` when it is gone. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, signal);
    return true;
  } catch (error) {
    if (isCode(error, "ESRCH")) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

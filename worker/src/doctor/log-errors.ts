import { logFiles, readTail } from "../cli/logs/log-files.ts";
import type { Unknown } from "./facts.ts";

/** Source: worker-pool runbook, `logs --tail 50 | grep error`. */
const LINES = 50;
/** Of the runs that a handler failed tells another figure: these are the worker's own. */
const TASK_FAILED = "run_failed";

/** Errors among the last 50 lines of each `.log` file of a folder, failed runs of tasks not counted. */
export function logErrors(directory: string): number | Unknown {
  if (directory === "") return { unknown: "TASKFLEET_LOG_DIRECTORY names no folder of logs" };
  const files = listed(directory);
  if (files === null) return { unknown: `the folder of logs ${directory} cannot be read` };
  return files.reduce(
    (sum, file) => sum + readTail(file, LINES).lines.filter(({ text }) => isError(text)).length,
    0,
  );
}

function listed(directory: string): string[] | null {
  try {
    return logFiles(directory);
  } catch {
    return null;
  }
}

/** A record of level `error`; lines of other programs, and for people, do not count. */
export function isError(text: string): boolean {
  if (!text.startsWith("{")) return false;
  try {
    const { level, message } = JSON.parse(text) as { level?: unknown; message?: unknown };
    return level === "error" && message !== TASK_FAILED;
  } catch {
    return false;
  }
}

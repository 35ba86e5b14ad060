import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { basename, join } from "node:path";
import { EXIT } from "../../../contract/exit-codes.ts";
import { fileProblem } from "../input/read-input.ts";
import { CliError } from "../report-error.ts";
import type { Accepts } from "./log-filter.ts";
import { type LogLine, timeOf } from "./log-line.ts";

const CHUNK = 64 * 1024;

/** How far a file has been read. */
export interface LogPosition {
  /** In bytes. */
  readonly offset: number;
  /** Time of the last line. */
  readonly at: number;
  /** Whether the last record was wanted. */
  readonly wanted: boolean;
  /** Another one of the same name begins anew. */
  readonly inode: number;
}

export interface LogTail extends LogPosition {
  readonly lines: readonly LogLine[];
}

/** The `.log` files of a folder, sorted. `source`: only those whose name has this in it. */
export function logFiles(directory: string, source?: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".log") && (source === undefined || name.includes(source)))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    throw new CliError(
      `the log directory ${JSON.stringify(directory)}: ${fileProblem(error)}`,
      EXIT.failed,
      "TASKFLEET_LOG_DIRECTORY names it; a local stack has one once it is up.",
    );
  }
}

/** The last complete lines of a file that are wanted, at most `count`, without reading more of it than it takes. */
export function readTail(file: string, count: number, accepts?: Accepts): LogTail {
  const descriptor = openSync(file, "r");
  try {
    const { size, birthtimeMs, ino } = fstatSync(descriptor);
    for (let length = CHUNK; ; length *= 2) {
      const start = Math.max(0, size - length);
      const bytes = readAt(descriptor, start, size - start);
      // What stands before the first newline is the end of a line, unless the file begins with it.
      const from = start === 0 ? 0 : bytes.indexOf(10) + 1;
      const position = { offset: start + from, at: birthtimeMs, wanted: accepts === undefined, inode: ino };
      const tail = take(file, bytes.subarray(from), position, accepts);
      if (start === 0 || tail.lines.length >= count)
        return { ...tail, lines: count === 0 ? [] : tail.lines.slice(-count) };
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The wanted complete lines after a position; from the start when the file has shrunk or is another one. */
export function readFrom(file: string, position: LogPosition | undefined, accepts?: Accepts): LogTail {
  const descriptor = openSync(file, "r");
  try {
    const { size, ino: inode } = fstatSync(descriptor);
    const isSame = position !== undefined && position.inode === inode && position.offset <= size;
    const fresh = { offset: 0, at: Date.now(), wanted: accepts === undefined, inode };
    const start = isSame ? position : fresh;
    return take(file, readAt(descriptor, start.offset, size - start.offset), start, accepts);
  } finally {
    closeSync(descriptor);
  }
}

/** Lines of several files in the order of their times; lines of one file keep their order. */
export function mergeLines(tails: readonly LogTail[]): LogLine[] {
  return tails.flatMap((tail) => tail.lines).sort((a, b) => a.at - b.at);
}

function take(file: string, bytes: Buffer, from: LogPosition, accepts: Accepts | undefined): LogTail {
  const end = bytes.lastIndexOf(10) + 1;
  const source = basename(file, ".log");
  const lines: LogLine[] = [];
  let { at, wanted } = from;
  for (const text of bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1)) {
    at = timeOf(text, at);
    wanted = accepts?.(text) ?? wanted;
    if (wanted) lines.push({ source, text, at });
  }
  return { lines, offset: from.offset + end, at, wanted, inode: from.inode };
}

function readAt(descriptor: number, start: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const read = readSync(descriptor, bytes, 0, length, start);
  return bytes.subarray(0, read);
}

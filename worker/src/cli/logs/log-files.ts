import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { basename, join } from "node:path";
import { EXIT } from "../../../contract/exit-codes.ts";
import { fileProblem } from "../input/read-input.ts";
import { CliError } from "../report-error.ts";
import { type LogLine, timeOf } from "./log-line.ts";

const CHUNK = 64 * 1024;

/** How far a file has been read, in bytes, and the time of its last line. */
export interface LogPosition {
  readonly offset: number;
  readonly at: number;
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

/** The last complete lines of a file, at most `count`, without reading all of it. */
export function readTail(file: string, count: number): LogTail {
  const descriptor = openSync(file, "r");
  try {
    const { size, birthtimeMs } = fstatSync(descriptor);
    let start = size;
    let bytes = Buffer.alloc(0);
    // One newline more than lines are wanted: what stands before it is another line's end.
    while (start > 0 && newlines(bytes) <= count) {
      const length = Math.min(CHUNK, start);
      start -= length;
      bytes = Buffer.concat([readAt(descriptor, start, length), bytes]);
    }
    return take(file, bytes, start, birthtimeMs, count);
  } finally {
    closeSync(descriptor);
  }
}

/** The complete lines that were written after a position; from the start when the file has shrunk. */
export function readFrom(file: string, { offset, at }: LogPosition): LogTail {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const start = size < offset ? 0 : offset;
    return take(file, readAt(descriptor, start, size - start), start, at, Number.POSITIVE_INFINITY);
  } finally {
    closeSync(descriptor);
  }
}

/** Lines of several files in the order of their times; lines of one file keep their order. */
export function mergeLines(tails: readonly LogTail[]): LogLine[] {
  return tails.flatMap((tail) => tail.lines).sort((a, b) => a.at - b.at);
}

function take(file: string, bytes: Buffer, start: number, before: number, count: number): LogTail {
  const end = bytes.lastIndexOf(10) + 1;
  const texts = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
  const source = basename(file, ".log");
  const lines: LogLine[] = [];
  let at = before;
  for (const text of texts.slice(Math.max(0, texts.length - count))) {
    at = timeOf(text, at);
    lines.push({ source, text, at });
  }
  return { lines, offset: start + end, at };
}

function readAt(descriptor: number, start: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const read = readSync(descriptor, bytes, 0, length, start);
  return bytes.subarray(0, read);
}

function newlines(bytes: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) found += 1;
  return found;
}

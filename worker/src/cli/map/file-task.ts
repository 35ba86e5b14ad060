import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { EXIT } from "../../../contract/exit-codes.ts";
import type { NewTask } from "../../core/task.ts";
import { newTaskId } from "../../core/task-id.ts";
import { fileProblem } from "../input/read-input.ts";
import { problemList } from "../output/problem-list.ts";
import { count } from "../output/units.ts";
import { CliError } from "../report-error.ts";
import type { MapFile } from "./batches.ts";

/** Largest file that travels as a task, in bytes: 1 MiB. */
export const MAX_FILE_BYTES = 1024 * 1024;

export interface ProgramOptions {
  /** Program and arguments; `{}` stands for the file's name. */
  readonly command: readonly string[];
  readonly timeoutMs?: number;
  readonly maxAttempts?: number;
  /** Cap on what the program prints, in bytes. */
  readonly maxOutputBytes?: number;
}

/** Sizes of files, in their order. All that cannot be read or are too large are named in one error. */
export function measure(names: readonly string[]): MapFile[] {
  const files: MapFile[] = [];
  const problems: string[] = [];
  for (const [index, name] of names.entries()) {
    try {
      files.push({ index, name, size: checkedSize(name) });
    } catch (error) {
      problems.push(`${JSON.stringify(name)}: ${fileProblem(error)}`);
    }
  }
  refuse(problems);
  return files;
}

/** Throws one error for all problems with files; nothing for none. */
export function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new CliError(
    `${count(problems.length, "file")} cannot be pushed, so nothing was${problemList(problems)}`,
    EXIT.usage,
  );
}

/** The bytes of a file, which may have grown since it was measured. */
export function readMapFile(name: string): Buffer {
  try {
    checkedSize(name);
    return readFileSync(name);
  } catch (error) {
    throw new CliError(`${JSON.stringify(name)}: ${fileProblem(error)}`, EXIT.usage);
  }
}

/** The `execute` task that runs the program on a file's bytes. */
export function fileTask(
  name: string,
  bytes: Buffer,
  { command, timeoutMs, maxAttempts, maxOutputBytes }: ProgramOptions,
): NewTask & { readonly id: string } {
  return {
    id: newTaskId(),
    kind: "execute",
    payload: {
      command: command.map((word) => word.replaceAll("{}", () => name)),
      ...encodeInput(bytes),
      ...(maxOutputBytes === undefined ? {} : { maxOutputBytes }),
    },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  };
}

/** As text where that is valid and not the longer form: control characters take six bytes each in JSON. */
function encodeInput(bytes: Buffer): { readonly stdin: string } | { readonly stdinBase64: string } {
  const base64Length = Math.ceil(bytes.length / 3) * 4;
  if (isUtf8(bytes)) {
    const text = bytes.toString("utf8");
    if (Buffer.byteLength(JSON.stringify(text)) <= base64Length + 2) return { stdin: text };
  }
  return { stdinBase64: bytes.toString("base64") };
}

function checkedSize(name: string): number {
  const stats = statSync(name);
  if (stats.isDirectory()) throw new Error("it is a folder");
  if (!stats.isFile()) throw new Error("it is no ordinary file");
  if (stats.size > MAX_FILE_BYTES)
    throw new Error(`${stats.size} bytes, but a file may have ${MAX_FILE_BYTES} at most (1 MiB)`);
  return stats.size;
}

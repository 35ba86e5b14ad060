import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { explained, unlessMissing } from "./errors.ts";
import { removeFile, replaceFile } from "./host-files.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/**
 * What is kept on disk of a process: who it is, so that one left behind by an interrupted update is found;
 * and its port, so that a restart takes the same one. It goes with the resource.
 */
export interface ProcessRecord extends ProcessIdentity {
  readonly port: number;
}

const SUFFIX = ".process.json";

function recordPath(directory: string, name: string): string {
  return join(directory, `${name}${SUFFIX}`);
}

function parseRecord(text: string): ProcessRecord | null {
  try {
    const { pid, start, port } = JSON.parse(text);
    return [pid, start, port].every(Number.isInteger) && port >= 1 ? { pid, start, port } : null;
  } catch {
    // Half a record, or none of ours: the start writes it anew.
    return null;
  }
}

/** `null` when there is none, or none that can be understood. */
export async function readRecord(directory: string, name: string): Promise<ProcessRecord | null> {
  const path = recordPath(directory, name);
  const text = await explained(`read ${path}`, () => unlessMissing(readFile(path, "utf8"), ""));
  return parseRecord(text);
}

/** Names of the processes that have a record in this directory; none without the directory. */
export async function recordedNames(directory: string): Promise<readonly string[]> {
  const names = await explained(`read ${directory}`, () => unlessMissing(readdir(directory), []));
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
}

export async function writeRecord(directory: string, name: string, record: ProcessRecord): Promise<void> {
  await replaceFile(recordPath(directory, name), `${JSON.stringify(record)}\n`, 0o600);
}

export function removeRecord(directory: string, name: string): Promise<void> {
  return removeFile(recordPath(directory, name));
}

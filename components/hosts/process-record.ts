import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { removeFile, replaceFile } from "./host-files.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/**
 * What is kept on disk of a process: who it is, so that one left behind by an interrupted update is found;
 * and its port, so that a restart takes the same one. It goes with the resource.
 */
export interface ProcessRecord {
  readonly process: ProcessIdentity | null;
  readonly port: number;
}

function recordPath(directory: string, name: string): string {
  return join(directory, `${name}.process.json`);
}

function parseRecord(text: string): ProcessRecord | null {
  try {
    const { pid, start, port } = JSON.parse(text);
    if (!Number.isInteger(port) || port < 1) return null;
    const process = Number.isInteger(pid) && Number.isInteger(start) ? { pid, start } : null;
    return { process, port };
  } catch {
    // Half a record, or none of ours: the start writes it anew.
    return null;
  }
}

export async function readRecord(directory: string, name: string): Promise<ProcessRecord | null> {
  let text: string;
  try {
    text = await readFile(recordPath(directory, name), "utf8");
  } catch {
    return null;
  }
  return parseRecord(text);
}

export async function writeRecord(directory: string, name: string, record: ProcessRecord): Promise<void> {
  const { process, port } = record;
  const fields = process === null ? { port } : { ...process, port };
  await replaceFile(recordPath(directory, name), `${JSON.stringify(fields)}\n`, 0o600);
}

export function removeRecord(directory: string, name: string): Promise<void> {
  return removeFile(recordPath(directory, name));
}

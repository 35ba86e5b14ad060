import { readFile, stat } from "node:fs/promises";
import { replaceFile } from "./host-files.ts";
import type { HostFile } from "./process-inputs.ts";

export const withPort = (text: string, port: number) => text.replaceAll("{port}", String(port));

const modeOf = ({ mode }: HostFile) => Number.parseInt(mode, 8);

export async function writeFiles(files: readonly HostFile[], port: number): Promise<void> {
  for (const file of files) await replaceFile(file.path, withPort(file.content, port), modeOf(file));
}

async function isIntact(file: HostFile, port: number): Promise<boolean> {
  try {
    const { mode } = await stat(file.path);
    if ((mode & 0o777) !== modeOf(file)) return false;
    return (await readFile(file.path, "utf8")) === withPort(file.content, port);
  } catch {
    // Missing or in the way: the update writes it, and explains what hinders that.
    return false;
  }
}

/** Whether all files are there as they were written: content and mode. */
export async function areIntact(files: readonly HostFile[], port: number): Promise<boolean> {
  const found = await Promise.all(files.map((file) => isIntact(file, port)));
  return found.every(Boolean);
}

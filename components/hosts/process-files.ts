import { readFile, stat } from "node:fs/promises";
import { replaceFile } from "./host-files.ts";
import type { HostFile } from "./process-inputs.ts";

export const withPort = (text: string, port: number) => text.replaceAll("{port}", String(port));

const modeOf = ({ mode }: HostFile) => Number.parseInt(mode, 8);

const filled = (file: HostFile, port: number) => ({ ...file, content: withPort(file.content, port) });

export async function writeFile(file: HostFile): Promise<void> {
  await replaceFile(file.path, file.content, modeOf(file));
}

export async function writeFiles(files: readonly HostFile[], port: number): Promise<void> {
  for (const file of files) await writeFile(filled(file, port));
}

/** Whether a file is there as it was written: content and mode. */
export async function isIntact(file: HostFile): Promise<boolean> {
  try {
    const { mode } = await stat(file.path);
    return (mode & 0o777) === modeOf(file) && (await readFile(file.path, "utf8")) === file.content;
  } catch {
    // Missing or in the way: the update writes it, and explains what hinders that.
    return false;
  }
}

export async function areIntact(files: readonly HostFile[], port: number): Promise<boolean> {
  const found = await Promise.all(files.map((file) => isIntact(filled(file, port))));
  return found.every(Boolean);
}

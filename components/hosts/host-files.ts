import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { explained } from "./errors.ts";

/** Made with its parents, for this user only; one that exists stays as it is. */
export async function makeDirectory(path: string): Promise<void> {
  await explained(`make the folder ${path}`, () => mkdir(path, { recursive: true, mode: 0o700 }));
}

/** Replaces the file at once, so that a reader sees the old or the new one, with the mode from the start. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  await makeDirectory(dirname(path));
  const half = `${path}.${process.pid}.tmp`;
  await explained(`write ${path}`, async () => {
    try {
      await rm(half, { force: true });
      await writeFile(half, content, { mode });
      await rename(half, path);
    } catch (error) {
      await rm(half, { force: true });
      throw error;
    }
  });
}

export async function removeFile(path: string): Promise<void> {
  await explained(`remove ${path}`, () => rm(path, { force: true }));
}

export async function removeTree(path: string): Promise<void> {
  await explained(`remove ${path}`, () => rm(path, { recursive: true, force: true }));
}

/** The last lines of a file from byte `from` on, as far as `lines` and 64 KiB go. */
export async function lastLines(path: string, from: number, lines: number): Promise<string> {
  const MOST_BYTES = 65_536;
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - MOST_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    await file.read(buffer, 0, buffer.length, start);
    return buffer.toString("utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } finally {
    await file.close();
  }
}

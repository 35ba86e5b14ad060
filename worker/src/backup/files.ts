import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import type { BackupFile } from "./manifest.ts";

/** Readable by this user only. */
export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;

/** Name, size and SHA-256 of a file. */
export async function fileFacts(path: string): Promise<BackupFile> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return { file: basename(path), bytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

/** Has what was written to a file or folder reach the disk. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

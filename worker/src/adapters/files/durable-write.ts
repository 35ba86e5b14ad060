import { mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DRAFT } from "./result-names.ts";

/** Less what the process' umask takes away: the group may read. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;

export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Has names that were made or changed in a folder reach the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder with those above it. Step by step: the errors of Node's own way say nothing of a read-only disk. */
export async function makeFolder(folder: string): Promise<void> {
  const make = () => mkdir(folder, { mode: FOLDER_MODE });
  try {
    await make().catch(async (error: unknown) => {
      if (codeOf(error) !== "ENOENT" || dirname(folder) === folder) throw error;
      await makeFolder(dirname(folder));
      await make();
    });
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    throw error;
  }
  await syncFolder(dirname(folder));
}

/** Removes a file; one that is gone is no error. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
}

/**
 * Writes a file that appears under its name with all of its content or not at all. The content has reached the disk
 * then; for the name, see `syncFolder`.
 */
export async function writeWhole(folder: string, name: string, text: string): Promise<void> {
  const draft = join(folder, `${name}${DRAFT}`);
  try {
    const handle = await open(draft, "w", FILE_MODE);
    try {
      await handle.writeFile(text);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(draft, join(folder, name));
  } catch (error) {
    // What stays of it is swept away later; this error says more.
    await remove(draft).catch(() => {});
    throw error;
  }
}

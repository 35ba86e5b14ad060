import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives this user the rights in a tree of folders that its removal needs. */
async function unlock(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlock(join(folder, entry.name));
  }
}

/** Removes a folder with all in it, also what a program has closed to its own user. */
export async function removeFolder(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  await remove().catch(async () => {
    await unlock(folder);
    await remove();
  });
}

/**
 * Calls `use` with a fresh folder that only this user may enter, and removes it with all in it afterwards. When
 * that does not work `onLeft` is told why, and the end of `use` stands.
 */
export async function withScratchFolder<T>(
  use: (folder: string) => Promise<T>,
  onLeft: (folder: string, error: unknown) => void,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "taskfleet-execute-"));
  try {
    await chmod(folder, 0o700);
    return await use(folder);
  } finally {
    await removeFolder(folder).catch((error: unknown) => onLeft(folder, error));
  }
}

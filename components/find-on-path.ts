import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join, sep } from "node:path";

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function isWithin(file: string, folder: string): boolean {
  return file.startsWith(folder + sep);
}

/**
 * The first executable `name` on `path` (a PATH value), or `undefined`. Files in the folders `except`, and
 * links that lead there, do not count.
 */
export function findOnPath(name: string, path: string, except: readonly string[] = []): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(
      (file) =>
        executable(file) &&
        !except.some((folder) => isWithin(file, folder) || isWithin(realpathSync(file), folder)),
    );
}

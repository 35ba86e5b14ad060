import { chmodSync, lutimesSync, readdirSync } from "node:fs";
import { join } from "node:path";

const FOLDER = 0o755;
const PROGRAM = 0o755;
const FILE = 0o644;
/** Of every file; a build's own time would make each layer another one. */
const EPOCH = new Date(0);

/**
 * One mode for each sort of file and one time for all, deepest first: what is written last would get a new time.
 *
 * @param isProgram whether a file, by its path in the image, is one that is run
 */
export function settle(out: string, isProgram: (place: string) => boolean): void {
  const entries = readdirSync(out, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  for (const { entry, path } of paths.toSorted((a, b) => b.path.length - a.path.length)) {
    if (entry.isDirectory()) chmodSync(path, FOLDER);
    else if (entry.isFile()) chmodSync(path, isProgram(path.slice(out.length)) ? PROGRAM : FILE);
    lutimesSync(path, EPOCH, EPOCH);
  }
  chmodSync(out, FOLDER);
  lutimesSync(out, EPOCH, EPOCH);
}

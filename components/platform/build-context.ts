import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What `worker/Dockerfile.dockerignore` lets into a build, and the Dockerfile. */
const CONTEXT = ["package.json", "package-lock.json", ".npmrc", "worker/**/*"];
const LEFT_OUT = ["**/node_modules/**"];

const HASH_LETTERS = 16;

/**
 * A tag for the images that these sources and build arguments make: another one whenever either changes, so that a
 * reference never means two images.
 */
export function contextTag(root: string, given: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256");
  const add = (text: string | Buffer) => hash.update(`${text.length}:`).update(text);
  const files = CONTEXT.flatMap((pattern) => globSync(pattern, { cwd: root, exclude: LEFT_OUT }));
  for (const file of files.toSorted()) {
    const path = join(root, file);
    if (!statSync(path).isFile()) continue;
    add(file);
    add(readFileSync(path));
  }
  for (const [name, value] of Object.entries(given).toSorted()) add(`${name}=${value}`);
  return hash.digest("hex").slice(0, HASH_LETTERS);
}

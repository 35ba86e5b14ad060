import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { explain, HostError } from "../hosts/errors.ts";
import { DIGEST } from "./image-reference.ts";

/** Digests that registries gave, by the `repository:tag` that they gave them for. */
export type ImageLock = Readonly<Record<string, string>>;

const WAY_OUT = "run taskfleet images lock on a machine that reaches the registries";

/** Text of the lock file; the same digests give the same text. */
export function lockText(lock: ImageLock): string {
  const digests = Object.fromEntries(Object.entries(lock).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ digests }, undefined, 2)}\n`;
}

function parse(file: string, text: string): ImageLock {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new HostError(`${file} is no JSON: restore it, or ${WAY_OUT}`, { cause: error });
  }
  const digests = (content as { digests?: unknown } | null)?.digests;
  if (typeof digests !== "object" || digests === null || Array.isArray(digests))
    throw new HostError(`${file} has no "digests": restore it, or ${WAY_OUT}`);
  for (const [reference, digest] of Object.entries(digests))
    if (typeof digest !== "string" || !DIGEST.test(digest))
      throw new HostError(
        `${file}: ${reference} has ${JSON.stringify(digest)}; allowed: sha256: and 64 hex digits: ${WAY_OUT}`,
      );
  return digests as ImageLock;
}

/** What the lock file holds; empty where there is none. @throws HostError for a file that is none of ours */
export function readLock(file: string): ImageLock {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw explain(`read ${file}`, error);
  }
  return parse(file, text);
}

/** Writes the file whole or not at all. */
export function writeLock(file: string, lock: ImageLock): void {
  const fresh = `${file}.${process.pid}`;
  try {
    writeFileSync(fresh, lockText(lock));
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw explain(`write ${file}`, error);
  }
}

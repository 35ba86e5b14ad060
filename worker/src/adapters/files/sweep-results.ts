import { opendir, readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { ResultRecord } from "../../../contract/records.ts";
import type { ResultFile, SweepOptions } from "../../ports/result-store.ts";
import { codeOf, remove } from "./durable-write.ts";
import { DRAFT, parseResultFileName, queueFolder, slotEnd } from "./result-names.ts";

/** Files that are asked about at once. */
const PART = 500;

/** What an attempt gives, or `instead` where the file or folder is gone. */
async function orGone<T>(attempt: Promise<T>, instead: T): Promise<T> {
  return attempt.catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return instead;
    throw error;
  });
}

/** What a name tells of a result; one whose id is too long for it is looked up. */
async function describe(folder: string, slot: string, name: string, o: SweepOptions) {
  const named = parseResultFileName(name);
  if (named === undefined) return undefined;
  const { priority, entryId } = named;
  const id = named.id ?? (await idInside(join(folder, slot, name)));
  const place = { stream: o.queue, priority, entryId };
  const found: ResultFile = { file: `${queueFolder(o.queue)}/${slot}/${name}`, id, place };
  return found;
}

/** "" for a file without one, which no task has. */
async function idInside(path: string): Promise<string> {
  const text = await orGone(readFile(path, "utf8"), "");
  try {
    return (JSON.parse(text) as ResultRecord).id;
  } catch {
    return "";
  }
}

/** Removes those of a folder that nobody needs, and drafts that a killed writer left. */
async function sweepSlot(folder: string, slot: string, o: SweepOptions): Promise<number> {
  let removed = 0;
  const path = join(folder, slot);
  const sweepPart = async (names: readonly string[]) => {
    const drafts = names.filter((name) => name.endsWith(DRAFT));
    const described = await Promise.all(names.map((name) => describe(folder, slot, name, o)));
    const files = described.filter((file) => file !== undefined);
    const needed = files.length === 0 ? [] : await o.needed(files);
    const useless = files.filter((_, at) => needed[at] === false).map(({ file }) => file.split("/").at(-1));
    for (const name of [...drafts, ...useless]) if (name !== undefined) await remove(join(path, name));
    removed += useless.length;
  };
  let names: string[] = [];
  for await (const { name } of await opendir(path)) {
    if (names.push(name) < PART) continue;
    await sweepPart(names);
    names = [];
  }
  await sweepPart(names);
  return removed;
}

/** Removes expired results of a queue below a folder of results, with the folders that are empty then. */
export async function sweepResults(directory: string, o: SweepOptions): Promise<number> {
  const folder = join(directory, queueFolder(o.queue));
  let removed = 0;
  for (const slot of (await orGone(readdir(folder), [])).toSorted()) {
    const end = slotEnd(slot);
    if (end === undefined || end >= o.before) continue;
    removed += await orGone(sweepSlot(folder, slot, o), 0);
    await rmdir(join(folder, slot)).catch((error: unknown) => {
      if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(codeOf(error) ?? "")) throw error;
    });
  }
  return removed;
}

import { lstatSync, statSync } from "node:fs";
import { glob } from "node:fs/promises";
import { EXIT } from "../../../contract/exit-codes.ts";
import { CliError } from "../report-error.ts";

/**
 * The files that glob patterns name: pattern by pattern as given, the matches of one pattern sorted by code
 * point, a file that several match only once, folders left out. A pattern that is itself a file's name means
 * that file, so that names which a shell has expanded may hold `[` or `*`.
 */
export async function expandGlobs(patterns: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const pattern of patterns) {
    const matches = isThere(pattern) ? [pattern] : await matchesOf(pattern);
    const sorted = matches.filter((name) => !isFolder(name)).sort(byCodePoint);
    if (sorted.length === 0) throw new CliError(`no file matches ${JSON.stringify(pattern)}`, EXIT.usage);
    for (const name of sorted) files.add(name);
  }
  return [...files];
}

/** The names in a list: separated by newlines, or by NUL; order and repeats are kept, empty names are not. */
export function splitNames(list: Buffer, nul: boolean): string[] {
  const separator = nul ? "\0" : "\n";
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(list);
  } catch {
    throw new CliError("the list of files is not UTF-8", EXIT.usage);
  }
  return text.split(separator).filter((name) => name !== "");
}

async function matchesOf(pattern: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of glob(pattern)) names.push(name);
  return names;
}

function isThere(name: string): boolean {
  return lstatSync(name, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

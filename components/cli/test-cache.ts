import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Suite } from "../../test/suites.ts";
import { PATHS } from "../paths.ts";

/** A file's path, relative to the project's root, and its content. */
export interface InputFile {
  readonly path: string;
  readonly content: Uint8Array | string;
}

/** Hex SHA-256 over the runtime's version, the suite's command and its files, in any order. */
export function hashInputs(node: string, command: readonly string[], files: readonly InputFile[]): string {
  const hash = createHash("sha256");
  // Each part is preceded by its length, so that no two inputs read the same.
  const add = (part: Uint8Array | string) => hash.update(`${Buffer.byteLength(part)}:`).update(part);
  add(node);
  for (const word of command) add(word);
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, content } of sorted) {
    add(path);
    add(content);
  }
  return hash.digest("hex");
}

/** Files that decide about every suite. */
export const COMMON_INPUTS: readonly string[] = [
  ...["package-lock.json", "package.json", ".mocharc.json", "tsconfig.json"],
  ...["test/suites.ts", "test/count-reporter.ts", "components/cli/test-counts.ts"],
];

function isIgnored(path: string): boolean {
  return /(^|\/)(node_modules|\.taskfleet|\.git|dist)(\/|$)/.test(path);
}

/** The hash of a suite's inputs as they stand now. */
export function suiteHash(suite: Suite): string {
  const patterns = [...COMMON_INPUTS, ...suite.inputs];
  const paths = new Set(globSync(patterns, { cwd: PATHS.root, exclude: isIgnored }));
  const files = [...paths].flatMap((path) => {
    const file = join(PATHS.root, path);
    return statSync(file).isFile() ? [{ path, content: readFileSync(file) }] : [];
  });
  return hashInputs(process.version, suite.command, files);
}

/** How many tests passed when a suite's inputs had this hash, or `undefined` when they never did. */
export function recordedPass(hash: string): number | undefined {
  try {
    const record = JSON.parse(readFileSync(join(PATHS.passedSuites, hash), "utf8")) as { passed?: unknown };
    return typeof record.passed === "number" ? record.passed : undefined;
  } catch {
    // None, or one that cannot be read: the suite then runs.
    return undefined;
  }
}

/** Remembers that a suite passed with inputs of this hash. */
export function recordPass(hash: string, suite: string, passed: number): void {
  mkdirSync(PATHS.passedSuites, { recursive: true });
  const file = join(PATHS.passedSuites, hash);
  writeFileSync(`${file}.${process.pid}`, JSON.stringify({ suite, passed, at: new Date().toISOString() }));
  renameSync(`${file}.${process.pid}`, file);
}
